import { STATUS_CODES } from "node:http";
import { formatHostPort, type HostPort } from "../../host/address.ts";
import type { Code } from "../../telemetry/codes.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { valuesOf } from "../../tunnel/http/field.ts";
import { badRequest } from "../../tunnel/http/head.ts";
import { HTTP_LIMITS } from "../../tunnel/http/limits.ts";
import type { Request } from "../../tunnel/http/request.ts";
import { type ProxyRules, type Refusal, type Route, serveRequests } from "../../tunnel/http/serve.ts";
import { PulledStream } from "../../tunnel/pulled-stream.ts";
import type { ByteStream } from "../../tunnel/stream.ts";
import { halfCloseable } from "../held-end.ts";
import type { LocalPort } from "../local-server.ts";
import { openProxyPort, type ProxyPortOptions, type Ready } from "./port.ts";
import { isEqual, isHost, type Login } from "./socks5.ts";

/** How long a program's connection may wait for its next request. */
const IDLE_MS = 120_000;

const STATUS: Partial<Record<Code, number>> = {
  REQUEST_INVALID: 400,
  TARGET_DENIED: 403,
  FORBIDDEN: 403,
  CERTIFICATE_REFUSED: 403,
  SESSION_ENDED: 403,
  GATEWAY_REVOKED: 403,
  PROXY_REFUSED: 407,
  TIMEOUT: 408,
  INTERNAL: 500,
  RESOURCE_SHORTAGE: 503,
  DRAINING: 503,
  TARGET_TIMEOUT: 504,
};

/** A local HTTP proxy: CONNECT, and requests with an absolute `http` URL. @throws SallyportError PORT_IN_USE, CONFIG_INVALID */
export function listenHttpProxy(options: ProxyPortOptions): LocalPort {
  return openProxyPort(options, "--http-proxy", async ({ stream, settled }, ready) => {
    await serveRequests(new PulledStream(stream), rulesOf(options, ready, settled));
  });
}

function rulesOf(
  { login, open }: ProxyPortOptions,
  { greetingMs, report }: Ready,
  settled: () => void,
): ProxyRules {
  const dial = async (target: HostPort): Promise<ByteStream> => {
    const tunnel = await open(target).catch((error: unknown) => {
      throw lateTarget(error);
    });
    settled();
    return halfCloseable(tunnel);
  };
  return {
    limits: { ...HTTP_LIMITS, idleMs: IDLE_MS, requestHeadMs: greetingMs },
    refusal(error) {
      report(error);
      return refusalOf(error);
    },
    async tunnel(request) {
      requireLogin(request, login);
      return dial(parseAuthority(request.target, undefined));
    },
    async route(request) {
      requireLogin(request, login);
      return routeTo(request, dial);
    },
  };
}

function routeTo(request: Request, dial: (target: HostPort) => Promise<ByteStream>): Route {
  const [, authority, path = "/"] = /^http:\/\/([^/?#]*)([/?][^#]*)?$/i.exec(request.target) ?? [];
  if (authority === undefined) {
    throw badRequest("this is a proxy, which takes CONNECT and absolute http:// addresses");
  }
  const target = parseAuthority(authority, 80);
  return {
    key: formatHostPort(target.host, target.port),
    connect: () => dial(target),
    path: path.startsWith("?") ? `/${path}` : path,
    // What the address says, whatever Host did (RFC 9112, 3.2.2).
    host: authority,
    dropped: [],
    added: [],
  };
}

function parseAuthority(authority: string, defaultPort: number | undefined): HostPort {
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]@]+))(?::(\d{1,5}))?$/.exec(authority) ?? [];
  const host = bracketed ?? plain ?? "";
  const port = digits === undefined ? defaultPort : Number(digits);
  if (!isHost(host) || port === undefined || port < 1 || port > 65_535) {
    throw badRequest("it does not name a host and a port");
  }
  return { host, port };
}

/** @throws SallyportError PROXY_REFUSED */
function requireLogin({ fields }: Request, login: Login | undefined): void {
  if (!login) return;
  const [given = "", ...more] = valuesOf(fields, "proxy-authorization");
  const [, base64 = ""] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(given) ?? [];
  const fits = isEqual(Buffer.from(base64, "base64"), `${login.username}:${login.password}`);
  if (!fits || more.length > 0) {
    throw new SallyportError("PROXY_REFUSED", "This proxy wants another user name and password.");
  }
}

/** Time that the way to the target took is not the program's. */
function lateTarget(error: unknown): unknown {
  if (!(error instanceof SallyportError) || error.code !== "TIMEOUT") return error;
  return new SallyportError("TARGET_TIMEOUT", error.message, { cause: error });
}

function refusalOf({ code, message }: SallyportError): Refusal {
  const status = STATUS[code] ?? 502;
  return {
    status,
    reason: STATUS_CODES[status] ?? "",
    contentType: "text/plain; charset=utf-8",
    body: `sallyport: ${message} [${code}]\n`,
    fields: status === 407 ? [{ name: "Proxy-Authenticate", value: 'Basic realm="sallyport"' }] : [],
  };
}
