import type { ByteStream } from "../tunnel/stream.ts";
import type { Farewell, GatewaySession } from "./gateway-session.ts";
import type { GatewayIdentity } from "./identity.ts";

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
/** Tells it that this session has no future: what would keep a channel open for later use (`sallyport-mux/1`) ends. */
const RETIRE_ADVICE = "retire@sallyport";

/** SSH_DISCONNECT_BY_APPLICATION (RFC 4253, 11.1). */
const BY_APPLICATION = 11;

/** One gateway's authenticated connection to this relay. */
export class RelaySession implements GatewaySession {
  readonly gatewayId: string;
  readonly gatewayName: string | undefined;
  readonly orgId: string | undefined;
  readonly generation: number;
  readonly serial: bigint;
  readonly expiresAt: number;
  readonly remoteAddress: string;
  #tunnels = 0;
  #farewell: Farewell | undefined;
  #graceTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #over = Promise.withResolvers<void>();
  #isOver = false;

  /** @param since wall-clock time of the log-in */
  constructor(
    readonly link: GatewayLink,
    identity: GatewayIdentity,
    readonly since: Date,
  ) {
    this.gatewayId = identity.gatewayId;
    this.gatewayName = identity.gatewayName;
    this.orgId = identity.orgId;
    this.generation = identity.generation;
    this.serial = identity.serial;
    this.expiresAt = identity.expiresAt;
    this.remoteAddress = link.remoteAddress;
  }

  /** Why this relay ended the session, or wants to; undefined while it does not. */
  get farewell(): Farewell | undefined {
    return this.#farewell;
  }

  /** Whether its gateway is one of ours. */
  get takesAdvice(): boolean {
    return this.link.peerIdent.startsWith("SSH-2.0-Sallyport_");
  }

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

  advise(): boolean {
    if (this.#isOver || !this.takesAdvice) return false;
    this.link.notify(DRAIN_ADVICE);
    return true;
  }

  retire(why: Farewell, graceMs?: number): Promise<void> {
    const isFirst = this.#farewell === undefined;
    this.#farewell ??= why;
    if (this.#tunnels === 0 || graceMs === 0) this.cut(this.#farewell);
    else if (!this.#isOver) {
      if (isFirst && this.takesAdvice) this.link.notify(RETIRE_ADVICE);
      if (graceMs !== undefined) this.#graceTimer ??= setTimeout(() => this.cut(why), graceMs);
    }
    return this.#over.promise;
  }

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
