import { isIP } from "node:net";
import { formatHostPort } from "../../host/address.ts";
import type { OutboundProxy } from "../../host/proxy.ts";
import type { Dialogue } from "./dialogue.ts";

const VERSION = 5;
const METHOD = { none: 0, login: 2, nothingFits: 255 } as const;
const ADDRESS = { v4: 1, name: 3, v6: 4 } as const;
const LOGIN_VERSION = 1;

/** RFC 1928, 6. */
const REPLIES: Record<number, string> = {
  1: "it failed in general",
  2: "its rules do not allow that",
  3: "the network can't be reached",
  4: "the host can't be reached",
  5: "the connection was refused",
  6: "the packets' time to live ran out",
  7: "it does not know CONNECT",
  8: "it does not know that kind of address",
};

/**
 * Asks a SOCKS5 proxy for a tunnel (RFC 1928), with user name and password (RFC 1929) where there is a login.
 * @throws Error that says, as the end of a sentence, why there is none
 */
export async function connectThroughSocks(
  dialogue: Dialogue,
  to: { host: string; port: number },
  login: OutboundProxy["login"],
): Promise<void> {
  await agreeOnMethod(dialogue, login);
  dialogue.say(Buffer.concat([Buffer.of(VERSION, 1, 0), address(to.host), portBytes(to.port)]));
  const [, reply = 1] = await dialogue.hear(replyLength);
  if (reply === 0) return;
  const why = REPLIES[reply] ?? `it answers with ${reply}`;
  throw new Error(`it does not connect to ${formatHostPort(to.host, to.port)}: ${why}`);
}

async function agreeOnMethod(dialogue: Dialogue, login: OutboundProxy["login"]): Promise<void> {
  const methods = login ? [METHOD.none, METHOD.login] : [METHOD.none];
  dialogue.say(Buffer.of(VERSION, methods.length, ...methods));
  const [version, method] = await dialogue.hearBytes(2);
  if (version !== VERSION) throw new Error("it does not answer as a SOCKS5 proxy");
  if (method === METHOD.none) return;
  if (method !== METHOD.login || !login) {
    throw new Error(
      "it wants a user name and password; write socks5://user:password@... in the proxy variable",
    );
  }
  const { username, password } = login;
  dialogue.say(Buffer.concat([Buffer.of(LOGIN_VERSION), counted(username), counted(password)]));
  const [, status] = await dialogue.hearBytes(2);
  if (status !== 0)
    throw new Error("it refuses the user name and password; check them in the proxy variable");
}

function counted(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length > 255)
    throw new Error("a user name or password of more than 255 bytes can't be sent to it");
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

function address(host: string): Buffer {
  const family = isIP(host);
  if (family === 4) return Buffer.of(ADDRESS.v4, ...host.split(".").map(Number));
  if (family === 6) return Buffer.concat([Buffer.of(ADDRESS.v6), v6Bytes(host)]);
  return Buffer.concat([Buffer.of(ADDRESS.name), counted(host)]);
}

/** The URL parser brings every spelling to eight groups at most, without dots. */
function v6Bytes(host: string): Buffer {
  const [head = "", tail] = new URL(`http://[${host}]/`).hostname.slice(1, -1).split("::");
  const groups = (text: string) => text.split(":").filter((group) => group !== "");
  const first = groups(head);
  const last = groups(tail ?? "");
  const all = [...first, ...Array(8 - first.length - last.length).fill("0"), ...last];
  const bytes = Buffer.alloc(16);
  all.forEach((group, index) => void bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2));
  return bytes;
}

function portBytes(port: number): Buffer {
  return Buffer.of(port >> 8, port & 255);
}

/** Head, bound address, port. */
function replyLength(bytes: Buffer): number | undefined {
  if (bytes.length < 5) return undefined;
  const kind = bytes[3];
  const size = kind === ADDRESS.v4 ? 4 : kind === ADDRESS.v6 ? 16 : 1 + (bytes[4] ?? 0);
  return 4 + size + 2;
}
