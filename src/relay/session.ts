import type { ByteStream } from "../tunnel/stream.ts";
import type { GatewayIdentity } from "./identity.ts";
import type { Routed } from "./routing-table.ts";

/** What the relay uses of an SSH connection; `SshConnection` is one. */
export interface GatewayLink {
  /** The identification line of its SSH. */
  readonly peerIdent: string;
  readonly remoteAddress: string;
  openChannel(type: string, payload: Buffer, options?: { timeoutMs?: number }): Promise<ByteStream>;
  disconnect(reason: number, text: string): void;
  /** Sends a global request that wants no answer. */
  notify(name: string): void;
}

/** Tells a gateway of ours that this relay is about to stop: it should get itself another tunnel. */
const DRAIN_ADVICE = "drain@sallyport";

/** Texts of SSH_MSG_DISCONNECT. `replaced` is agreed between relay and gateway (EXTENSIONS X3). */
export type Farewell = "replaced" | "revoked" | "draining" | "certificate expired";

/** SSH_DISCONNECT_BY_APPLICATION (RFC 4253, 11.1). */
const BY_APPLICATION = 11;

/** One gateway's authenticated connection to this relay. */
export class RelaySession implements Routed {
  readonly gatewayId: string;
  readonly gatewayName: string | undefined;
  readonly orgId: string | undefined;
  readonly generation: number;
  readonly serial: bigint;
  readonly remoteAddress: string;
  #tunnels = 0;
  #farewell: Farewell | undefined;
  #graceTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #over = Promise.withResolvers<void>();
  #isOver = false;

  /** @param since wall-clock time of the log-in */
  constructor(
    readonly link: GatewayLink,
    readonly identity: GatewayIdentity,
    readonly since: Date,
  ) {
    this.gatewayId = identity.gatewayId;
    this.gatewayName = identity.gatewayName;
    this.orgId = identity.orgId;
    this.generation = identity.generation;
    this.serial = identity.serial;
    this.remoteAddress = link.remoteAddress;
  }

  /** Why this relay ended the session, or wants to; undefined while it does not. */
  get farewell(): Farewell | undefined {
    return this.#farewell;
  }

  /** Tunnels that are open or being opened. */
  get channels(): number {
    return this.#tunnels;
  }

  /** Runs `work`, which opens a tunnel and uses it: a retiring session waits for it. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#tunnels++;
    try {
      return await work();
    } finally {
      this.#tunnels--;
      if (this.#tunnels === 0 && this.#farewell) this.cut(this.#farewell);
    }
  }

  /** Advises the gateway to have another tunnel by the time that this session retires. False: it would not understand. */
  advise(): boolean {
    if (this.#isOver || !this.link.peerIdent.startsWith("SSH-2.0-Sallyport_")) return false;
    this.link.notify(DRAIN_ADVICE);
    return true;
  }

  /**
   * Lets the present tunnels end, then says why and closes. The caller sends no new tunnel here. Without `graceMs` they
   * have all the time that they want; another call may set a limit. Resolves when the session is over.
   */
  retire(why: Farewell, graceMs?: number): Promise<void> {
    this.#farewell ??= why;
    if (this.#tunnels === 0 || graceMs === 0) this.cut(this.#farewell);
    else if (!this.#isOver && graceMs !== undefined)
      this.#graceTimer ??= setTimeout(() => this.cut(why), graceMs);
    return this.#over.promise;
  }

  /** Says why and closes, whatever is going on. Safe to call twice. */
  cut(why: Farewell): void {
    if (this.#isOver) return;
    this.#farewell = why;
    this.ended();
    this.link.disconnect(BY_APPLICATION, why);
  }

  /** The connection is closed, by whom ever: nothing is left to wait for. */
  ended(): void {
    this.#isOver = true;
    clearTimeout(this.#graceTimer);
    this.#over.resolve();
  }
}
