import type { X509Identity } from "../../src/pki/credentials.ts";
import type { SallyportError } from "../../src/telemetry/error.ts";
import { ALPN } from "../../src/tunnel/alpn.ts";
import { openMux, STREAM } from "../../src/tunnel/mux/connection.ts";
import type { Connection } from "../../src/tunnel/ssh/connection.ts";
import { WindowBudget } from "../../src/tunnel/ssh/window.ts";
import type { Certificate } from "../../src/tunnel/tls/certificate.ts";
import { dialInnerTls } from "../../src/tunnel/tls/inner-client.ts";
import { ClientEnd, type GatewayEnd } from "./gateway-end.ts";
import { type MemoryStream, streamPair } from "./stream-pair.ts";
import { type ClientWish, GATEWAY_ID, testPki } from "./test-pki.ts";
import type { Workspace } from "./workspace.ts";

export interface SharedClientOptions extends ClientWish {
  identity?: X509Identity & { serverAuthorities: string };
  retiring?: AbortSignal;
}

/** A client that opens tunnels in one session with a gateway, without a relay. */
export class SharedClient {
  /** What the session ended with; undefined while it is up. */
  end: SallyportError | null | undefined;
  readonly closed: Promise<SallyportError | null>;

  private constructor(
    readonly connection: Connection,
    private readonly peer: Certificate,
    /** What the session runs over, our end. */
    readonly line: MemoryStream,
  ) {
    this.closed = new Promise((resolve) => {
      connection.onClosed((error) => {
        this.end = error;
        resolve(error);
      });
    });
  }

  static async dial(
    workspace: Workspace,
    { server }: GatewayEnd,
    { identity, retiring, ...wish }: SharedClientOptions = {},
  ): Promise<SharedClient> {
    const [line, channel] = streamPair();
    server.accept(channel, retiring);
    const { stream, alpn, peer } = await dialInnerTls(line, {
      identity: identity ?? (await (await testPki()).client(wish)).gateway,
      alpns: [ALPN.sallyportMux, ALPN.sallyportTcp],
      gatewayId: GATEWAY_ID,
      requireUri: true,
      timeoutMs: 5000,
    });
    if (alpn !== ALPN.sallyportMux) throw new Error(`agreed on ${alpn}`);
    const connection = openMux(stream, { role: "client", budget: new WindowBudget() });
    workspace.defer(() => connection.disconnect(11, "done"));
    return new SharedClient(connection, peer, line);
  }

  async tunnel(): Promise<ClientEnd> {
    const stream = await this.connection.openChannel(STREAM, Buffer.alloc(0));
    return new ClientEnd(stream, ALPN.sallyportTcp, this.peer);
  }

  /** Why there is no tunnel. */
  async refusal(): Promise<unknown> {
    try {
      await this.tunnel();
    } catch (error) {
      return error;
    }
    throw new Error("a tunnel was opened");
  }
}
