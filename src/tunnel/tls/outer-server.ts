import type { Socket } from "bun";
import { describe, SallyportError, systemCode } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Admission } from "../admission.ts";
import { ALPN } from "../alpn.ts";
import { portSharing } from "../port-sharing.ts";
import { swapCredentials } from "./swap-credentials.ts";
import {
  type Accepted,
  type HandshakeWatcher,
  type ServerIdentity,
  type TlsConnection,
  TlsServer,
} from "./tls-server.ts";

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

const HANDSHAKE_TIMEOUT_MS = 5000;
const KEEPALIVE_MS = 30_000;

/**
 * The relay's TLS port (PROTOCOL 0.1, D stage 1). Agrees on `sallyport-relay/1` where the client offers it (EXTENSIONS
 * X5), on nothing otherwise, whatever else is offered.
 * @throws SallyportError PORT_IN_USE, CONFIG_INVALID
 */
export async function listenOuterTls(options: OuterTlsOptions): Promise<OuterTlsListener> {
  const { hostname, log } = options;
  const server = new TlsServer({
    credentials: options.credentials,
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
    chooseProtocol: (offered) => (offered.includes(ALPN.relay) ? ALPN.relay : false),
    onOpen: (socket) => watch(socket, options),
  });
  const listener = listen(options, server);
  log.debug("Listening for clients", { hostname, port: listener.port });
  return {
    port: listener.port,
    reload() {
      try {
        swapCredentials(listener, server.tlsOptions());
        server.reload();
      } catch (error) {
        log.error("New TLS credentials cannot be used; the old ones stay", { reason: describe(error) });
      }
    },
    close() {
      listener.stop();
      server.cutPending();
    },
  };
}

function listen({ hostname, port, shared = false }: OuterTlsOptions, server: TlsServer) {
  try {
    return Bun.listen<Accepted | undefined>({
      hostname,
      port,
      ...portSharing(shared),
      allowHalfOpen: true,
      tls: server.tlsOptions(),
      socket: server.socket,
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

function watch(socket: Socket<Accepted | undefined>, options: OuterTlsOptions): HandshakeWatcher | null {
  const { remoteAddress } = socket;
  const ticket = options.admission?.admit(remoteAddress, () => socket.terminate());
  if (ticket === null) return null;
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEPALIVE_MS);
  return {
    progress: () => ticket?.progress(),
    ready(connection) {
      ticket?.authenticated();
      options.onConnection({ ...connection, remoteAddress });
    },
    refused(error) {
      const { code, message } = error;
      options.onRefused?.(error);
      if (code === "CERTIFICATE_REFUSED") ticket?.failed();
      const level = code === "CERTIFICATE_REFUSED" ? "info" : "debug";
      options.log[level]("Client refused", { address: remoteAddress, code, reason: message });
    },
    closed: () => ticket?.close(),
  };
}
