import { isIP } from "node:net";
import { formatHostPort } from "../../host/address.ts";
import type { OutboundProxy } from "../../host/proxy.ts";
import { describe, SallyportError } from "../../telemetry/error.ts";
import { ALPN } from "../alpn.ts";
import { streamOf } from "../dial/wire-stream.ts";
import { dialOutbound, throughProxy } from "../proxy/dial.ts";
import { SocketStream, streamEvents } from "../socket.ts";
import type { Certificate } from "./certificate.ts";
import type { ClientIdentity, TlsConnection } from "./connection.ts";
import { dialTls } from "./dial-tls.ts";

export interface OuterTlsDial {
  /** DNS name or address of the relay, as its certificate names it; IPv6 with or without brackets. */
  host: string;
  /** Where to connect when `host` was resolved already. */
  address?: string | undefined;
  port: number;
  /** On the way there; it resolves the name itself. Where absent, directly. */
  proxy?: OutboundProxy | undefined;
  /** PEM file of authorities that an https proxy may be certified by, besides the system's. */
  caFile?: string | undefined;
  identity: ClientIdentity;
  /** For TCP and TLS together. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

const KEEPALIVE_MS = 30_000;

/**
 * What the gateway and we say to each other is under the inner session, which agrees on its keys in a way that holds
 * against quantum computers too (X25519MLKEM768). Out here that would cost every connection a seventh of a handshake.
 */
const GROUPS = "X25519:P-256:P-384";

/**
 * Dials a relay (PROTOCOL D, stage 1) and offers `sallyport-relay/2` and `/1`; where one is agreed on the relay's
 * status line comes first. A relay that does not know this client's certificate shows only afterwards (TLS 1.3).
 * @throws SallyportError RELAY_UNREACHABLE, PROXY_UNREACHABLE, PROXY_REFUSED, TLS_UNTRUSTED, TLS_FAILED,
 * CERTIFICATE_REFUSED, TIMEOUT; the signal's reason
 */
export async function dialOuterTls(options: OuterTlsDial): Promise<TlsConnection> {
  const { identity, port, signal } = options;
  const host = options.host.replace(/^\[(.*)\]$/, "$1");
  const server = `the relay ${formatHostPort(host, port)}`;
  const deadline = performance.now() + options.timeoutMs;
  const hostname = options.address ?? host;
  const socket = options.proxy
    ? await connectThroughProxy({ ...options, host: hostname, server }, options.proxy)
    : await connect({ ...options, hostname, server });
  return dialTls(socket, {
    identity,
    ...(isIP(host) === 0 && { serverName: host }),
    server,
    protocols: [ALPN.relayAside, ALPN.relay],
    groups: GROUPS,
    checkName: (certificate) => requireHost(certificate, host),
    rules: (alpn) => ({ stepsAside: alpn === ALPN.relayAside }),
    timeoutMs: Math.max(1, deadline - performance.now()),
    signal,
  });
}

interface TcpDial extends Pick<OuterTlsDial, "port" | "timeoutMs" | "signal"> {
  hostname: string;
  server: string;
}

/** The proxy's own failures say what to do about it; a relay behind it that does not answer in time is the relay's. */
async function connectThroughProxy(
  dial: Pick<OuterTlsDial, "host" | "port" | "caFile" | "timeoutMs" | "signal"> & { server: string },
  proxy: OutboundProxy,
): Promise<SocketStream> {
  const { host, port, caFile, timeoutMs, server } = dial;
  const late = AbortSignal.timeout(timeoutMs);
  const signal = dial.signal ? AbortSignal.any([dial.signal, late]) : late;
  try {
    return streamOf(await dialOutbound({ host, port, proxy, caFile, signal }));
  } catch (cause) {
    dial.signal?.throwIfAborted();
    if (cause instanceof SallyportError) throw cause;
    const why = late.aborted ? `no answer within ${timeoutMs / 1000} s` : describe(cause).replace(/\.$/, "");
    const message = `Cannot reach ${server}${throughProxy(proxy)}: ${why}.`;
    throw new SallyportError("RELAY_UNREACHABLE", message, { cause });
  }
}

/** A connect that nobody waits for any more is closed when it opens: Bun 1.4.5 can't take it back. */
function connect({ hostname, port, server, timeoutMs, signal }: TcpDial): Promise<SocketStream> {
  const { promise, resolve, reject } = Promise.withResolvers<SocketStream>();
  let over = false;
  const settle = (how: () => void) => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    how();
  };
  const fail = (why: string, cause?: unknown) =>
    settle(() =>
      reject(new SallyportError("RELAY_UNREACHABLE", `Cannot reach ${server}: ${why}`, { cause })),
    );
  const refused = (cause: unknown) => fail(`${describe(cause).replace(/\.$/, "")}.`, cause);
  const abort = () => settle(() => reject(signal?.reason));
  const timer = setTimeout(
    () => fail(`no answer within ${timeoutMs / 1000} s; is a firewall in the way?`),
    timeoutMs,
  );
  if (signal?.aborted) {
    abort();
    return promise;
  }
  signal?.addEventListener("abort", abort, { once: true });
  Bun.connect<SocketStream | undefined>({
    hostname,
    port,
    allowHalfOpen: true,
    socket: {
      ...streamEvents,
      open(socket) {
        if (over) return socket.terminate();
        const stream = new SocketStream();
        socket.data = stream;
        socket.setNoDelay(true);
        socket.setKeepAlive(true, KEEPALIVE_MS);
        stream.open(socket);
        settle(() => resolve(stream));
      },
      connectError: (_socket, error) => refused(error),
    },
  }).catch(refused);
  return promise;
}

/** The subject alternative names decide, never the common name. */
function requireHost({ x509 }: Certificate, host: string): void {
  const found = isIP(host) === 0 ? x509.checkHost(host, { subject: "never" }) : x509.checkIP(host);
  if (found !== undefined) return;
  const names = (x509.subjectAltName ?? "no name at all").slice(0, 200);
  throw new SallyportError(
    "TLS_UNTRUSTED",
    `The relay's certificate is for ${names}, not for ${host}: is this the right address?`,
  );
}
