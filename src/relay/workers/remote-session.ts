import type { Farewell, GatewaySession } from "../gateway-session.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/** The worker that holds a session's connection. */
export interface Holder {
  /** Where other workers hand their clients over to it. */
  readonly socket: string;
  send(message: ToWorker): void;
}

/** A gateway's session in a worker, as the supervisor sees it. */
export class RemoteSession implements GatewaySession {
  readonly gatewayId: string;
  readonly gatewayName: string | undefined;
  readonly orgId: string | undefined;
  readonly generation: number;
  readonly serial: bigint;
  readonly expiresAt: number;
  readonly since: Date;
  readonly remoteAddress: string;
  /** As of a second ago. */
  channels = 0;
  readonly #id: number;
  readonly #takesAdvice: boolean;
  readonly #over = Promise.withResolvers<void>();
  #isOver = false;

  constructor(
    readonly holder: Holder,
    claim: Extract<FromWorker, { type: "claim" }>,
  ) {
    this.#id = claim.session;
    this.#takesAdvice = claim.takesAdvice;
    this.gatewayId = claim.gatewayId;
    this.gatewayName = claim.gatewayName;
    this.orgId = claim.orgId;
    this.generation = claim.generation;
    this.serial = BigInt(claim.serial);
    this.expiresAt = claim.expiresAt;
    this.since = new Date(claim.since);
    this.remoteAddress = claim.remoteAddress;
  }

  advise(): boolean {
    if (this.#isOver || !this.#takesAdvice) return false;
    this.holder.send({ type: "advise", session: this.#id });
    return true;
  }

  retire(why: Farewell, graceMs?: number): Promise<void> {
    const grace = graceMs === undefined ? {} : { graceMs };
    if (!this.#isOver) this.holder.send({ type: "retire", session: this.#id, why, ...grace });
    return this.#over.promise;
  }

  cut(why: Farewell): void {
    if (this.#isOver) return;
    this.ended();
    this.holder.send({ type: "cut", session: this.#id, why });
  }

  /** Its connection is closed, or the worker is gone. */
  ended(): void {
    this.#isOver = true;
    this.#over.resolve();
  }
}
