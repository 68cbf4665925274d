import type { SshIdentity } from "../../pki/credentials.ts";
import { describe, SallyportError } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";
import { connectSsh } from "./connect.ts";
import type { ChannelRequest, SshConnection } from "./connection.ts";
import { loadIdentity } from "./identity.ts";
import { DEFAULT_LIMITS, type SshLimits } from "./limits.ts";
import { TCP_KEEPALIVE_MS } from "./listen.ts";
import { DISCONNECT } from "./messages.ts";
import { systemTimers } from "./timers.ts";
import type { SshTransport } from "./transport.ts";
import type { WindowBudget } from "./window.ts";

const CONNECT_MS = 15_000;

export interface DialOptions {
  /** A name or an address; IPv6 with or without brackets. */
  host: string;
  port: number;
  username: string;
  identity: SshIdentity;
  /** Plain key blobs of the authorities that sign relays. */
  hostAuthorities: Buffer[];
  /** What the relay's certificate must name, exactly: `<host>:<port>`. */
  hostPrincipal: string;
  /** Channels that the relay opens. */
  onChannel: (request: ChannelRequest) => void;
  limits?: Partial<SshLimits>;
  budget: WindowBudget;
  log: Logger;
  /** From the first packet to the end of the login; 15 s unless told. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/**
 * Connects to a relay and logs in with a user certificate.
 * @throws SallyportError RELAY_UNREACHABLE, HOST_CERTIFICATE_REFUSED, SSH_AUTHENTICATION_FAILED, SSH_DISCONNECTED (the
 * relay said why), SSH_PROTOCOL, TIMEOUT, CONFIG_INVALID or CERTIFICATE_REFUSED (our own identity)
 */
export async function dialSsh(o: DialOptions): Promise<SshConnection> {
  const { username, hostAuthorities, hostPrincipal, onChannel, budget, log } = o;
  const where = `${o.host}:${o.port}`;
  const identity = loadIdentity(o.identity);
  const limits = { ...DEFAULT_LIMITS, ...o.limits };
  const now = () => new Date();
  const attempt = Promise.withResolvers<SshConnection>();
  let transport: SshTransport | null = null;
  let over = false;
  const giveUp = (error: SallyportError) => {
    over = true;
    attempt.reject(error);
    transport?.disconnect(DISCONNECT.byApplication, "giving up");
  };
  const stop = watch(o, where, giveUp);

  const open = (socket: Bun.Socket<undefined>) => {
    if (over) return socket.terminate();
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
    transport = connectSsh(socket, {
      ...{ username, identity, hostAuthorities, hostPrincipal, onChannel, limits, budget, now },
      timers: systemTimers,
      remoteAddress: socket.remoteAddress,
      onReady: attempt.resolve,
      onFailed: attempt.reject,
    });
  };
  const lost = (error?: Error) => transport?.lost(error);
  Bun.connect<undefined>({
    hostname: o.host.replace(/^\[(.*)\]$/, "$1"),
    port: o.port,
    socket: {
      open,
      data: (_, chunk) => transport?.feed(chunk),
      drain: () => transport?.drained(),
      close: (_, error) => lost(error),
      error: (_, error) => lost(error),
    },
  }).catch((error: unknown) => {
    const message = `The relay ${where} can't be reached: ${describe(error)}. Check the name, the port and firewalls.`;
    attempt.reject(new SallyportError("RELAY_UNREACHABLE", message, { cause: error }));
  });
  try {
    const connection = await attempt.promise;
    log.debug("SSH connection established", { relay: where, ident: connection.peerIdent });
    return connection;
  } finally {
    stop();
  }
}

/** Ends the attempt at its deadline or when the caller wants it no more. @returns what ends the watch */
function watch(o: DialOptions, where: string, giveUp: (error: SallyportError) => void): () => void {
  const late = () => giveUp(new SallyportError("TIMEOUT", `The relay ${where} did not answer in time.`));
  const cancelled = () =>
    giveUp(new SallyportError("RELAY_UNREACHABLE", `Connecting to the relay ${where} was cancelled.`));
  const timer = setTimeout(late, o.timeoutMs ?? CONNECT_MS);
  o.signal?.addEventListener("abort", cancelled, { once: true });
  if (o.signal?.aborted) queueMicrotask(cancelled);
  return () => {
    clearTimeout(timer);
    o.signal?.removeEventListener("abort", cancelled);
  };
}
