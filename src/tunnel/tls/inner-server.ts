import { asSallyportError, describe, type SallyportError } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";
import { ALPN } from "../alpn.ts";
import type { ByteStream } from "../stream.ts";
import { Bridge } from "./bridge.ts";
import { HandOver } from "./hand-over.ts";
import { SocketDirectory } from "./socket-directory.ts";
import { swapCredentials } from "./swap-credentials.ts";
import {
  type Accepted,
  type HandshakeWatcher,
  type ServerIdentity,
  type TlsConnection,
  TlsServer,
} from "./tls-server.ts";

export interface InnerTlsOptions {
  /** Directory of mode 0700 for the server's unix socket; made if missing. */
  directory: string;
  /** Read at start and at `reload`. */
  credentials: () => ServerIdentity;
  /** In order of preference (PROTOCOL D). A client that offers others only is refused, one that offers none is not. */
  alpns: readonly string[];
  handshakeTimeoutMs?: number;
  /** Called for clients that proved who they are, never for others. */
  onConnection: (connection: TlsConnection) => void;
  /** A client's certificate or handshake was refused. */
  onRefused?: (error: SallyportError) => void;
  log: Logger;
}

export interface InnerTlsServer {
  /** Runs TLS on the channel, which from now on belongs to the server: it is destroyed if the handshake fails. */
  accept(channel: ByteStream): void;
  /** New handshakes use the present credentials; connections go on. Bad credentials are logged and change nothing. */
  reload(): Promise<void>;
  /** Takes no more and cuts unfinished handshakes. Connections belong to whoever was given them. */
  close(): void;
}

const HANDSHAKE_TIMEOUT_MS = 10_000;
const LINGER_MS = 10_000;

/**
 * The gateway's end of the inner TLS (PROTOCOL 0.2, D stage 2). Where `sallyport-tcp/1` is agreed on, a stream that
 * was cut short closes with an error; other clients are not held to close_notify.
 * @throws SallyportError CONFIG_INVALID
 */
export async function openInnerTlsServer(options: InnerTlsOptions): Promise<InnerTlsServer> {
  const directory = await SocketDirectory.at(options.directory);
  const { log } = options;
  const server = new TlsServer({
    credentials: options.credentials,
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
    chooseProtocol: (offered) => options.alpns.find((alpn) => offered.includes(alpn)),
    onOpen() {
      const bridge = handOver.accepted();
      return bridge && watch(bridge, options);
    },
  });
  const listen = () => {
    try {
      return Bun.listen<Accepted | undefined>({
        unix: directory.next(),
        allowHalfOpen: true,
        tls: server.tlsOptions(),
        socket: server.socket,
      });
    } catch (error) {
      throw asSallyportError(error, "CONFIG_INVALID", "The inner TLS server cannot be opened");
    }
  };
  const handOver = new HandOver({ listen });
  return {
    accept: (channel) => handOver.add(new Bridge(channel, { lingerMs: LINGER_MS })),
    async reload() {
      try {
        swapCredentials(handOver.listener, server.tlsOptions());
        server.reload();
      } catch (error) {
        log.error("New TLS credentials cannot be used; the old ones stay", { error: describe(error) });
      }
    },
    close() {
      handOver.close();
      server.cutPending();
    },
  };
}

function watch(bridge: Bridge, { onConnection, onRefused, log }: InnerTlsOptions): HandshakeWatcher {
  return {
    strictEnd: (alpn, version) =>
      alpn === ALPN.sallyportTcp ? bridge.demandCloseNotify(version) : undefined,
    ready(connection) {
      bridge.carries(connection.stream);
      onConnection(connection);
    },
    refused(error) {
      onRefused?.(error);
      log.info("Client refused", { code: error.code, reason: error.message });
    },
    closed: (error) => bridge.tlsClosed(error),
  };
}
