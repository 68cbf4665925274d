import type { Socket, SocketHandler } from "bun";
import { descriptors } from "../../host/descriptors.ts";
import { describe, SallyportError, systemCode } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Admission, AdmissionTicket } from "../admission.ts";
import { ALPN } from "../alpn.ts";
import { type Acceptor, behindProxies, type ProxyRule } from "../behind-proxies.ts";
import { portSharing } from "../port-sharing.ts";
import { SocketStream } from "../socket.ts";
import { acceptTls, requireUsable } from "./accept-tls.ts";
import type { ServerIdentity, TlsConnection } from "./connection.ts";

export interface OuterTlsOptions {
  hostname: string;
  /** 0 takes a free one. */
  port: number;
  /** Other processes may listen there too (SO_REUSEPORT): the kernel spreads new connections over them. */
  shared?: boolean;
  /** Read at start and at `reload`. */
  credentials: () => ServerIdentity;
  /** From accept to the end of the handshake (PROTOCOL 0.1). */
  handshakeTimeoutMs?: number;
  /** Called for clients that proved who they are, never for others. */
  onConnection: (connection: TlsConnection & { remoteAddress: string }) => void;
  /** A client's certificate or handshake was refused. */
  onRefused?: (error: SallyportError) => void;
  /** Load balancers in front. */
  proxies?: ProxyRule | undefined;
  tcpKeepaliveMs?: number;
  admission?: Admission;
  log: Logger;
}

export interface OuterTlsListener {
  port: number;
  /** New handshakes use the present credentials; connections go on. Bad credentials are logged and change nothing. */
  reload(): void;
  /** Stops listening and cuts unfinished handshakes. Connections belong to whoever was given them. */
  close(): void;
}

/** A socket's data from accept to close. */
interface Accepted {
  stream: SocketStream;
  ticket: AdmissionTicket | undefined;
}

type ClientSocket = Socket<Accepted | undefined>;

const HANDSHAKE_TIMEOUT_MS = 5000;
const KEEPALIVE_MS = 30_000;

/** Ours, the best one first. */
const PROTOCOLS = [ALPN.relayAside, ALPN.relay];

/**
 * The relay's TLS port (PROTOCOL 0.1, D stage 1). Agrees on `sallyport-relay/2` or `/1` where the client offers it
 * (EXTENSIONS X5), on nothing otherwise, whatever else is offered.
 * @throws SallyportError PORT_IN_USE, CONFIG_INVALID
 */
export async function listenOuterTls(options: OuterTlsOptions): Promise<OuterTlsListener> {
  const { hostname, credentials, log } = options;
  let identity = requireUsable(credentials());
  const pending = new Set<(error: Error) => void>();
  const acceptor: Acceptor<Accepted | undefined> = {
    ...events,
    open: (socket, remoteAddress) => accept(socket, remoteAddress, identity, pending, options),
  };
  const listener = listen(options, behindProxies(acceptor, options.proxies));
  log.debug("Listening for clients", { hostname, port: listener.port });
  return {
    port: listener.port,
    reload() {
      try {
        identity = requireUsable(credentials());
      } catch (error) {
        log.error("New TLS credentials cannot be used; the old ones stay", { reason: describe(error) });
      }
    },
    close() {
      listener.stop();
      for (const giveUp of [...pending])
        giveUp(new SallyportError("DRAINING", "The relay takes no more clients."));
    },
  };
}

function listen(
  { hostname, port, shared = false }: OuterTlsOptions,
  socket: SocketHandler<Accepted | undefined>,
) {
  try {
    return Bun.listen<Accepted | undefined>({
      hostname,
      port,
      ...portSharing(shared),
      allowHalfOpen: true,
      socket,
    });
  } catch (cause) {
    if (systemCode(cause) === "EADDRINUSE") {
      throw new SallyportError("PORT_IN_USE", `Port ${port} on ${hostname} is taken by another program.`, {
        cause,
      });
    }
    throw new SallyportError("CONFIG_INVALID", `Cannot listen on ${hostname}:${port}: ${describe(cause)}.`, {
      cause,
    });
  }
}

const events: Omit<Acceptor<Accepted | undefined>, "open"> = {
  data: (socket, chunk) => socket.data?.stream.onData(chunk),
  drain: (socket) => socket.data?.stream.onDrain(),
  end: (socket) => socket.data?.stream.onEnd(),
  error: (socket, error) => socket.data?.stream.onError(error),
  close(socket, error) {
    socket.data?.stream.onClose(error);
    socket.data?.ticket?.close();
  },
};

function accept(
  socket: ClientSocket,
  remoteAddress: string,
  identity: ServerIdentity,
  pending: Set<(error: Error) => void>,
  options: OuterTlsOptions,
): void {
  const { admission, handshakeTimeoutMs, log, onConnection, onRefused } = options;
  const ticket = descriptors.refuse() ? null : admission?.admit(remoteAddress, () => socket.terminate());
  if (ticket === null) {
    socket.data = undefined;
    return socket.terminate();
  }
  socket.setNoDelay(true);
  socket.setKeepAlive(true, options.tcpKeepaliveMs ?? KEEPALIVE_MS);
  const stream = new SocketStream();
  socket.data = { stream, ticket };
  stream.open(socket);
  let over = false;
  const done = () => {
    over = true;
    pending.delete(giveUp);
  };
  const giveUp = acceptTls(stream, {
    identity,
    choose(offered) {
      ticket?.progress();
      return PROTOCOLS.filter((protocol) => offered.includes(protocol));
    },
    rules: (alpn) => ({ stepsAside: alpn === ALPN.relayAside }),
    timeoutMs: handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
    oldClients: true,
    ready(connection) {
      done();
      ticket?.authenticated();
      onConnection({ ...connection, remoteAddress });
    },
    refused(error) {
      done();
      if (!error) return;
      const { code, message } = error;
      onRefused?.(error);
      if (code === "CERTIFICATE_REFUSED") ticket?.failed();
      const level = code === "CERTIFICATE_REFUSED" ? "info" : "debug";
      log[level]("Client refused", { address: remoteAddress, code, reason: message });
    },
  });
  if (!over) pending.add(giveUp);
}
