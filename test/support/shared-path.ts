import { SharedTunnels } from "../../src/client/shared-tunnels.ts";
import type { ClientCredentials } from "../../src/pki/credentials.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { saysWhy } from "../../src/tunnel/alpn.ts";
import { observed } from "../../src/tunnel/observed.ts";
import { systemTimers, type Timers } from "../../src/tunnel/ssh/timers.ts";
import { okLine } from "../../src/tunnel/status-line.ts";
import type { ByteStream } from "../../src/tunnel/stream.ts";
import { listenOuterTls, type OuterTlsListener } from "../../src/tunnel/tls/outer-server.ts";
import { GatewayEnd, type GatewayEndOptions } from "./gateway-end.ts";
import { type ClientWish, testPki } from "./test-pki.ts";
import type { Workspace } from "./workspace.ts";

/** One way through the relay, from a client's outer handshake on. */
export interface Passage {
  /** What the relay passes on to the gateway from now on is lost. */
  silent: boolean;
  /** The relay's link to the gateway that it goes over should end. */
  readonly retiring: AbortController;
  /** The relay drops it. */
  cut(): void;
}

/** A client's shared tunnels, a relay's outer TLS and a gateway, in this process. */
export class SharedPath {
  /** One for each handshake with the relay. */
  readonly passages: Passage[] = [];
  /** Handed to the passages to come. */
  isRetiring = false;
  #outer: OuterTlsListener | undefined;

  private constructor(
    readonly gateway: GatewayEnd,
    readonly tunnels: SharedTunnels,
    private readonly wish: ClientWish,
  ) {}

  static async open(
    workspace: Workspace,
    options: GatewayEndOptions & ClientWish & { timers?: Timers } = {},
  ): Promise<SharedPath> {
    const { allow, limits, clock, resolve, accounting, timers = systemTimers, ...wish } = options;
    const gateway = await GatewayEnd.open(workspace, {
      ...(allow && { allow }),
      ...(limits && { limits }),
      ...(clock && { clock }),
      ...(resolve && { resolve }),
      ...(accounting && { accounting }),
    });
    const path = new SharedPath(gateway, new SharedTunnels({ timers }), wish);
    await path.listen(0);
    workspace.defer(() => {
      void path.tunnels.close();
      path.away();
    });
    return path;
  }

  get port(): number {
    return this.#outer?.port ?? 0;
  }

  /** The relay starts, at the port it had before unless told. */
  async listen(port = this.port): Promise<void> {
    const credentials = await (await testPki()).relay();
    this.#outer = await listenOuterTls({
      hostname: "127.0.0.1",
      port,
      credentials: () => credentials.tls,
      log: silentLogger,
      onConnection: ({ stream, alpn }) => {
        if (saysWhy(alpn)) stream.write(okLine());
        this.#pass(stream);
      },
    });
  }

  /** The relay goes away, with everything that went through it. */
  away(): void {
    this.#outer?.close();
    for (const passage of this.passages) passage.cut();
  }

  async client(wish: ClientWish = {}): Promise<ClientCredentials> {
    return (await testPki()).client({ relayPort: this.port, ...this.wish, ...wish });
  }

  #pass(stream: ByteStream): void {
    const retiring = new AbortController();
    if (this.isRetiring) retiring.abort();
    const passage: Passage = { silent: false, retiring, cut: () => stream.destroy(new Error("cut")) };
    this.passages.push(passage);
    const between = observed(stream, (handler) => ({
      data(chunk) {
        if (passage.silent) stream.consumed(chunk.length);
        else handler.data(chunk);
      },
    }));
    this.gateway.server.accept(between, retiring.signal);
  }
}
