import {
  type ChannelServer,
  type ChannelServerOptions,
  openChannelServer,
} from "../../src/gateway/channel-server.ts";
import { parsePolicy } from "../../src/gateway/target-policy.ts";
import type { Resolver } from "../../src/gateway/target-resolve.ts";
import type { Clock } from "../../src/host/clock.ts";
import type { GatewayCredentials, X509Identity } from "../../src/pki/credentials.ts";
import { ALPN } from "../../src/tunnel/alpn.ts";
import type { ByteStream } from "../../src/tunnel/stream.ts";
import type { Certificate } from "../../src/tunnel/tls/certificate.ts";
import { dialInnerTls } from "../../src/tunnel/tls/inner-client.ts";
import { RecordingLog } from "./recording-log.ts";
import { streamPair } from "./stream-pair.ts";
import { type ClientWish, GATEWAY_ID, testPki } from "./test-pki.ts";
import type { Workspace } from "./workspace.ts";

export interface GatewayEndOptions
  extends Pick<ChannelServerOptions, "limits" | "accounting" | "instruments"> {
  allow?: string[];
  clock?: Clock;
  resolve?: Resolver;
}

/** A gateway's channel server in this process, and clients that reach it without a relay. */
export class GatewayEnd {
  /** What the clients' tunnels run over, the client's ends. */
  readonly channels: ByteStream[] = [];
  readonly #clients: ClientEnd[] = [];

  private constructor(
    readonly server: ChannelServer,
    private readonly shown: { credentials: GatewayCredentials },
    readonly log: RecordingLog,
  ) {}

  /** Replace them, then call the server's `reload`. */
  get credentials(): GatewayCredentials {
    return this.shown.credentials;
  }

  set credentials(next: GatewayCredentials) {
    this.shown.credentials = next;
  }

  static async open(workspace: Workspace, options: GatewayEndOptions = {}): Promise<GatewayEnd> {
    const { allow = ["localhost"], ...rest } = options;
    const shown = { credentials: await (await testPki()).gateway() };
    const log = new RecordingLog();
    const server = openChannelServer({
      credentials: () => shown.credentials,
      policy: parsePolicy({ allow, deny: [], gatewayName: "gateway-a" }),
      log,
      ...rest,
    });
    const end = new GatewayEnd(server, shown, log);
    workspace.defer(() => server.close());
    workspace.defer(() => {
      for (const client of end.#clients) client.stream.destroy();
    });
    return end;
  }

  /** Opens a tunnel as a client with such a certificate does. */
  async connect(wish: ClientWish = {}, alpns: string[] = [ALPN.sallyportTcp]): Promise<ClientEnd> {
    const { gateway } = await (await testPki()).client(wish);
    return this.connectAs(gateway, alpns);
  }

  /** The same with an identity of the test's own. */
  async connectAs(
    identity: X509Identity & { serverAuthorities: string },
    alpns: string[] = [ALPN.sallyportTcp],
  ): Promise<ClientEnd> {
    const [clientEnd, channel] = streamPair();
    this.channels.push(clientEnd);
    this.server.accept(channel);
    const { stream, alpn, peer } = await dialInnerTls(clientEnd, {
      identity,
      alpns,
      gatewayId: GATEWAY_ID,
      requireUri: true,
      timeoutMs: 5000,
    });
    const client = new ClientEnd(stream, alpn, peer);
    this.#clients.push(client);
    return client;
  }
}

/** A client's end of a tunnel: collects what comes. */
export class ClientEnd {
  text = "";
  ended = false;
  /** Undefined while open. */
  error: Error | null | undefined;
  readonly closed: Promise<Error | null>;
  #changed: () => void = () => {};

  constructor(
    readonly stream: ByteStream,
    readonly alpn: string | null,
    readonly peer: Certificate,
  ) {
    this.closed = new Promise((resolve) => {
      stream.attach({
        data: (chunk) => {
          this.text += chunk.toString("latin1");
          stream.consumed(chunk.length);
          this.#changed();
        },
        end: () => {
          this.ended = true;
          this.#changed();
        },
        written() {},
        closed: (error) => {
          this.error = error;
          this.#changed();
          resolve(error);
        },
      });
    });
  }

  send(text: string): this {
    this.stream.write(Buffer.from(text));
    return this;
  }

  /** Everything that came, once it matches, ended or closed. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.text) && !this.ended && this.error === undefined) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
    return this.text;
  }

  /** Ends our direction and returns everything that came until the other side ended too. */
  async rest(): Promise<string> {
    this.stream.end();
    await this.closed;
    return this.text;
  }
}
