import { cannotListen } from "../../host/cannot-listen.ts";
import { descriptors } from "../../host/descriptors.ts";
import type { SshIdentity } from "../../pki/credentials.ts";
import type { SshCertificate } from "../../pki/ssh-certificate.ts";
import { describe, type SallyportError } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Admission } from "../admission.ts";
import { type Acceptor, behindProxies, type ProxyRule } from "../behind-proxies.ts";
import { portSharing } from "../port-sharing.ts";
import { acceptSsh } from "./accept.ts";
import type { ChannelRequest, SshConnection } from "./connection.ts";
import { HostIdentities } from "./host-certificate.ts";
import { DEFAULT_LIMITS, type SshLimits } from "./limits.ts";
import { DISCONNECT } from "./messages.ts";
import { systemTimers } from "./timers.ts";
import type { SshTransport } from "./transport.ts";
import type { WindowBudget } from "./window.ts";

/** TCP's own keepalive, for a peer whose machine is gone. */
const TCP_KEEPALIVE_MS = 30_000;

export interface ListenOptions {
  hostname: string;
  /** 0: any free port. */
  port: number;
  /** Other processes may listen there too (SO_REUSEPORT): the kernel spreads new connections over them. */
  shared?: boolean;
  /** Asked at every key exchange, so that the newest certificates are presented; one per key type. */
  hostIdentities: () => SshIdentity[];
  /** Plain key blobs of the authorities that sign users; asked at every login. */
  userAuthorities: () => Buffer[];
  /** Throws a SallyportError to refuse; called after the signature was verified. */
  authorize: (username: string, certificate: SshCertificate, remoteAddress: string) => void;
  onSession: (session: SshConnection) => void;
  /** A login was refused (the connection may have tries left), or the peer broke the rules or was late before one. */
  onRefused?: (error: SallyportError) => void;
  /** Channels that peers open; without it none is accepted (PROTOCOL 0.1). */
  onChannel?: (session: SshConnection, request: ChannelRequest) => void;
  /** See `SshConnectionOptions`. */
  channelsAreTls?: boolean;
  /** Load balancers in front. */
  proxies?: ProxyRule | undefined;
  tcpKeepaliveMs?: number;
  admission?: Admission;
  limits?: Partial<SshLimits>;
  budget: WindowBudget;
  log: Logger;
}

export interface SshListener {
  port: number;
  /** Authenticated connections. */
  sessions: ReadonlySet<SshConnection>;
  /** Stops listening and ends every connection. Safe to call twice. */
  close(): void;
}

/**
 * The SSH server of a relay. @throws SallyportError as `cannotListen`, or CONFIG_INVALID / CERTIFICATE_REFUSED when there
 * is no host identity that can be used
 */
export async function listenSsh(o: ListenOptions): Promise<SshListener> {
  const limits = { ...DEFAULT_LIMITS, ...o.limits };
  const now = () => new Date();
  const identities = new HostIdentities(o.hostIdentities, now);
  identities.algorithms();
  const transports = new Set<SshTransport>();
  const sessions = new Set<SshConnection>();

  const accept = (socket: Bun.Socket<SshTransport | undefined>, remoteAddress: string) => {
    if (descriptors.refuse()) return socket.terminate();
    const ticket = o.admission?.admit(remoteAddress, () => socket.terminate());
    if (ticket === null) return socket.terminate();
    socket.setNoDelay(true);
    socket.setKeepAlive(true, o.tcpKeepaliveMs ?? TCP_KEEPALIVE_MS);
    try {
      const { userAuthorities, authorize, onRefused, onChannel, channelsAreTls, budget, log } = o;
      const rules = { identities, userAuthorities, authorize, limits };
      const common = { ...rules, onRefused, channelsAreTls, remoteAddress, budget, log, now };
      socket.data = acceptSsh(socket, {
        ...common,
        timers: systemTimers,
        ...(onChannel ? { onChannel } : {}),
        ...(ticket ? { ticket } : {}),
        onSession(session) {
          sessions.add(session);
          session.onClosed(() => sessions.delete(session));
          o.onSession(session);
        },
      });
      transports.add(socket.data);
    } catch (error) {
      ticket?.close();
      o.log.error("SSH connections can't be accepted", { reason: describe(error) });
      socket.terminate();
    }
  };
  const over = (socket: Bun.Socket<SshTransport | undefined>, error?: Error) => {
    if (!socket.data) return;
    transports.delete(socket.data);
    socket.data.lost(error);
  };
  const acceptor: Acceptor<SshTransport | undefined> = {
    open: accept,
    data: (socket, chunk) => socket.data?.feed(chunk),
    drain: (socket) => socket.data?.drained(),
    close: over,
    error: over,
  };
  const server = bind(o, behindProxies(acceptor, o.proxies));
  return {
    port: server.port,
    sessions,
    close() {
      server.stop();
      for (const transport of transports) transport.disconnect(DISCONNECT.byApplication, "closing");
    },
  };
}

function bind(
  { hostname, port, shared = false }: ListenOptions,
  socket: Bun.SocketHandler<SshTransport | undefined>,
): Bun.TCPSocketListener<SshTransport | undefined> {
  try {
    return Bun.listen({ hostname, port, socket, ...portSharing(shared) });
  } catch (error) {
    throw cannotListen(hostname, port, error);
  }
}
