import type { ClientCredentials, GatewayCredentials, RelayCredentials } from "../../src/pki/credentials.ts";
import { type Logger, silentLogger } from "../../src/telemetry/log.ts";
import { ALPN, saysWhy } from "../../src/tunnel/alpn.ts";
import { okLine } from "../../src/tunnel/status-line.ts";
import type { ByteStream } from "../../src/tunnel/stream.ts";
import type { TlsConnection } from "../../src/tunnel/tls/connection.ts";
import { type InnerTlsServer, openInnerTlsServer } from "../../src/tunnel/tls/inner-server.ts";
import { listenOuterTls, type OuterTlsListener } from "../../src/tunnel/tls/outer-server.ts";
import { echo } from "./byte-stream.ts";
import { type ClientWish, testPki } from "./test-pki.ts";

export interface TlsPathOptions {
  /** What the relay says to clients that speak X5; null says nothing and closes. */
  relayLine?: Buffer | null;
  /** What the gateway says where `sallyport-tcp/1` is agreed on; null says nothing and closes. */
  gatewayLine?: Buffer | null;
  /** What the gateway speaks. */
  alpns?: readonly string[];
  /** The gateway's service, once the handshake is over; an echo unless told. */
  serve?: (connection: TlsConnection) => void;
  /** What happens to the bytes between relay and gateway. */
  between?: (stream: ByteStream) => ByteStream;
}

/** The TLS ends of a relay and a gateway in this process, with nothing but memory between them. */
export class TlsPath {
  private constructor(
    readonly outer: OuterTlsListener,
    readonly inner: InnerTlsServer,
    readonly served: TlsConnection[],
    readonly relay: { credentials: RelayCredentials },
    readonly gateway: { credentials: GatewayCredentials },
  ) {}

  static async open(options: TlsPathOptions = {}): Promise<TlsPath> {
    const { relayLine = okLine(), gatewayLine = okLine(), alpns, serve, between } = options;
    const pki = await testPki();
    const relay = { credentials: await pki.relay() };
    const gateway = { credentials: await pki.gateway() };
    const served: TlsConnection[] = [];
    const log: Logger = silentLogger;
    const inner = openInnerTlsServer({
      credentials: () => gateway.credentials.tls,
      alpns: alpns ?? [ALPN.sallyportTcp, ALPN.tcp, ALPN.http, ALPN.health, ALPN.ping],
      log,
      onConnection(connection) {
        served.push(connection);
        if (connection.alpn === ALPN.sallyportTcp) {
          if (!gatewayLine) return connection.stream.end();
          connection.stream.write(Buffer.from(gatewayLine));
        }
        (serve ?? (({ stream }: TlsConnection) => echo(stream)))(connection);
      },
    });
    const outer = await listenOuterTls({
      hostname: "127.0.0.1",
      port: 0,
      credentials: () => relay.credentials.tls,
      log,
      onConnection({ stream, alpn }) {
        if (!relayLine) return discard(stream);
        if (saysWhy(alpn)) stream.write(Buffer.from(relayLine));
        if (relayLine.toString().startsWith("ERR")) return discard(stream);
        inner.accept(between ? between(stream) : stream);
      },
    });
    return new TlsPath(outer, inner, served, relay, gateway);
  }

  async client(wish: ClientWish = {}): Promise<ClientCredentials> {
    return (await testPki()).client({ relayPort: this.outer.port, ...wish });
  }

  close(): void {
    this.outer.close();
    this.inner.close();
    for (const { stream } of this.served) stream.destroy();
  }
}

/** Ends at once and drops what comes. */
function discard(stream: ByteStream): void {
  stream.attach({
    data: (chunk) => stream.consumed(chunk.length),
    end() {},
    written() {},
    closed() {},
  });
  stream.end();
}
