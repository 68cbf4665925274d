import { formatHostPort } from "../../host/address.ts";
import { describeProxy, type OutboundProxy } from "../../host/proxy.ts";
import type { SshIdentity } from "../../pki/credentials.ts";
import { describe, SallyportError } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Resolver } from "../dial/addresses.ts";
import type { Wire } from "../dial/wire.ts";
import { dialOutbound, throughProxy } from "../proxy/dial.ts";
import { connectSsh } from "./connect.ts";
import type { ChannelRequest, SshConnection } from "./connection.ts";
import type { HostAuthorities } from "./host-certificate.ts";
import { loadIdentity } from "./identity.ts";
import { DEFAULT_LIMITS, type SshLimits } from "./limits.ts";
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
  hostAuthorities: HostAuthorities;
  /** What the relay's certificate must name, exactly, one of them if there are several: `<host>:<port>`. */
  hostPrincipal: string | readonly string[];
  /** Channels that the relay opens. */
  onChannel: (request: ChannelRequest) => void;
  /** The name of a global request of the relay's, `drain@sallyport` for one. */
  onRequest?: ((name: string) => void) | undefined;
  /** See `SshConnectionOptions`. */
  channelsAreTls?: boolean;
  limits?: Partial<SshLimits>;
  budget: WindowBudget;
  log: Logger;
  /** None: directly. */
  proxy?: OutboundProxy | undefined;
  /** Of an https proxy: PEM file of its authorities, besides the system's. */
  proxyCaFile?: string | undefined;
  resolve?: Resolver | undefined;
  /** From the first packet to the end of the login; 15 s unless told. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/**
 * Connects to a relay and logs in with a user certificate. A name with several addresses is reached at whichever
 * answers first (RFC 8305).
 * @throws SallyportError RELAY_UNREACHABLE, PROXY_UNREACHABLE, PROXY_REFUSED, HOST_CERTIFICATE_REFUSED,
 * SSH_AUTHENTICATION_FAILED, SSH_DISCONNECTED (the relay said why), SSH_PROTOCOL, TIMEOUT, CONFIG_INVALID or
 * CERTIFICATE_REFUSED (our own identity)
 */
export async function dialSsh(o: DialOptions): Promise<SshConnection> {
  const { username, hostAuthorities, onChannel, budget, log, proxy } = o;
  const where = formatHostPort(o.host.replace(/^\[(.*)\]$/, "$1"), o.port);
  const identity = loadIdentity(o.identity);
  const limits = { ...DEFAULT_LIMITS, ...o.limits };
  const hostPrincipals = [o.hostPrincipal].flat();
  const now = () => new Date();
  const attempt = Promise.withResolvers<SshConnection>();
  const over = new AbortController();
  let transport: SshTransport | null = null;
  const giveUp = (error: SallyportError) => {
    over.abort(error);
    attempt.reject(error);
    transport?.disconnect(DISCONNECT.byApplication, "giving up");
  };
  const stop = watch(o, where, giveUp);

  const speak = (wire: Wire) => {
    if (over.signal.aborted) return wire.close();
    const common = { username, identity, hostAuthorities, hostPrincipals, onChannel, limits, budget, now };
    const ssh = connectSsh(wire.socket, {
      ...common,
      timers: systemTimers,
      remoteAddress: wire.remoteAddress,
      onRequest: o.onRequest,
      channelsAreTls: o.channelsAreTls,
      onReady: attempt.resolve,
      onFailed: attempt.reject,
    });
    transport = ssh;
    wire.attach({
      data: (chunk) => ssh.feed(chunk),
      drained: () => ssh.drained(),
      // SSH knows no half-closed connection.
      ended: () => wire.socket.end(),
      closed: (error) => ssh.lost(error),
    });
  };
  const { host, port, resolve, proxyCaFile: caFile } = o;
  dialOutbound({ host, port, proxy, caFile, resolve, signal: over.signal }).then(speak, (error: unknown) => {
    attempt.reject(unreachable(error, `${where}${throughProxy(proxy)}`));
  });
  try {
    const connection = await attempt.promise;
    log.debug("SSH connection established", {
      relay: where,
      ident: connection.peerIdent,
      proxy: proxy && describeProxy(proxy),
    });
    return connection;
  } finally {
    stop();
  }
}

function unreachable(cause: unknown, where: string): SallyportError {
  if (cause instanceof SallyportError) return cause;
  const message = `The relay ${where} can't be reached: ${describe(cause)}. Check the name, the port and firewalls.`;
  return new SallyportError("RELAY_UNREACHABLE", message, { cause });
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
