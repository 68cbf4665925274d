import { formatHostPort } from "../../host/address.ts";
import type { OutboundProxy } from "../../host/proxy.ts";
import type { Dialogue } from "./dialogue.ts";

/**
 * Asks an HTTP proxy for a tunnel (RFC 9110, 9.3.6), with Basic authentication (RFC 7617) where there is a login.
 * @throws Error that says, as the end of a sentence, why there is none
 */
export async function connectThroughHttp(
  dialogue: Dialogue,
  to: { host: string; port: number },
  login: OutboundProxy["login"],
): Promise<void> {
  const authority = formatHostPort(to.host, to.port);
  const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`];
  if (login) lines.push(`Proxy-Authorization: Basic ${basic(login)}`);
  dialogue.say(Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"));
  // A 2xx answer to CONNECT has no body, whatever it announces.
  const head = await dialogue.hear(endOfHead);
  const status = /^HTTP\/1\.[01] (\d{3})(?: |\r?\n)/.exec(head.toString("latin1"))?.[1];
  if (status === undefined) throw new Error("it does not answer as an HTTP proxy");
  if (status === "407") {
    throw new Error(
      login
        ? "it refuses the user name and password (HTTP 407); check them in the proxy variable"
        : "it wants a user name and password (HTTP 407); write http://user:password@... in the proxy variable",
    );
  }
  if (!status.startsWith("2")) {
    throw new Error(
      `it refuses to connect to ${authority} (HTTP ${status}); allow that on the proxy, or list ${to.host} in NO_PROXY if it can be reached directly`,
    );
  }
}

function basic({ username, password }: NonNullable<OutboundProxy["login"]>): string {
  return Buffer.from(`${username}:${password}`, "utf8").toString("base64");
}

/** The length of the head, once its empty line has come. */
function endOfHead(bytes: Buffer): number | undefined {
  const text = bytes.toString("latin1");
  const end = /\r?\n\r?\n/.exec(text);
  return end ? end.index + end[0].length : undefined;
}
