import { formatHostPort } from "../../host/address.ts";
import type { AddressMatcher } from "../../host/address-ranges.ts";
import { describe, SallyportError, systemCode } from "../../telemetry/error.ts";
import { type Caller, callerOf } from "./caller.ts";
import type { TlsPair } from "./tls-files.ts";

export interface HttpListenerOptions {
  hostname: string;
  /** 0 takes a free one. */
  port: number;
  /** Without it plain HTTP. */
  tls?: TlsPair | undefined;
  /** Whose X-Forwarded headers count. */
  isProxy: AddressMatcher;
  /** Bytes of a body; a backstop, whoever answers refuses at a limit of its own. */
  bodyLimit: number;
  answer(request: Request, caller: Caller): Promise<Response>;
}

export interface HttpListener {
  readonly port: number;
  /** New connections see this certificate; requests and streams on the old ones go on to their end. */
  changeTls(pair: TlsPair): void;
  /** Takes no new connection, closes idle ones and resolves once every request is answered. */
  drain(): Promise<void>;
  /** Cuts whatever is left. */
  close(): Promise<void>;
}

/**
 * Seconds that a TLS handshake or the head of a request may take in all, however busily its bytes come. Bun counts in
 * steps of 4 s, and answers heads over 16 KiB or 200 fields with 431 itself.
 */
const HEAD_SECONDS = 10;
/**
 * Seconds without a byte from the head on, and until the next request on the same connection. Longer than any answer
 * takes, and than the minute for which proxies keep connections: it is they who should close first.
 */
const IDLE_SECONDS = 65;
type Server = Bun.Server<undefined>;

/**
 * A port that speaks HTTP/1.1, in the clear or over TLS 1.2 and newer (Bun offers nothing older, RFC 8996).
 * @throws SallyportError PORT_IN_USE, CONFIG_INVALID
 */
export function listenHttp(options: HttpListenerOptions): HttpListener {
  const { tls } = options;
  let current = tls ? openShared(options, tls) : open(options, undefined);
  const port = current.port ?? options.port;
  const retired = new Set<Server>();
  return {
    port,
    changeTls(pair) {
      const next = open({ ...options, port }, pair);
      const former = current;
      current = next;
      retired.add(former);
      void former.stop().then(() => retired.delete(former));
    },
    async drain() {
      await Promise.all([current, ...retired].map((server) => server.stop()));
    },
    async close() {
      await Promise.all([current, ...retired].map((server) => server.stop(true)));
    },
  };
}

/**
 * Bun can't change the certificate of a server, but another one may take over its port if the first was opened to
 * share it. Somebody else's server must not share it by accident: for a moment the port is taken alone.
 */
function openShared(options: HttpListenerOptions, tls: TlsPair): Server {
  const alone = open(options, undefined);
  const port = alone.port ?? options.port;
  void alone.stop(true);
  return open({ ...options, port }, tls);
}

function open(options: HttpListenerOptions, tls: TlsPair | undefined): Server {
  const { hostname, port, isProxy, bodyLimit, answer } = options;
  const common = {
    hostname,
    port,
    idleTimeout: HEAD_SECONDS,
    maxRequestBodySize: bodyLimit,
    fetch(request: Request, server: Server) {
      const peer = server.requestIP(request)?.address ?? "unknown";
      server.timeout(request, IDLE_SECONDS);
      return answer(request, callerOf(request.headers, peer, { isProxy, overTls: tls !== undefined }));
    },
  };
  try {
    if (!tls) return Bun.serve(common);
    const { cert, key } = tls;
    return Bun.serve({ ...common, reusePort: true, tls: { cert, key } });
  } catch (cause) {
    const where = formatHostPort(hostname, port);
    if (systemCode(cause) === "EADDRINUSE") {
      const message = `Something listens on ${where} already: choose another --listen.`;
      throw new SallyportError("PORT_IN_USE", message, { cause });
    }
    throw new SallyportError("CONFIG_INVALID", `Cannot listen on ${where}: ${describe(cause)}.`, { cause });
  }
}
