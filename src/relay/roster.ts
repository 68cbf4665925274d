import { retireReplacedSessions, type Sessions } from "./enforcement.ts";
import type { GatewaySession } from "./gateway-session.ts";
import { RoutingTable } from "./routing-table.ts";

/** Why a gateway that has proved who it is gets no place. */
export type Refusal = "lower-generation" | "duplicate" | "revoked" | "draining";

/** Where a gateway's session asks for its place; in a worker the answer comes from the supervisor. */
export interface Places<S> {
  /** Calls back once, with undefined when the session has its place: at once or later. */
  enter(session: S, answer: (refusal: Refusal | undefined) => void): void;
  /** The session's connection is closed, by whomever. */
  left(session: S): void;
}

/** Every session of a relay: who serves its gateway, and who lost the place and still carries tunnels. */
export class Roster<S extends GatewaySession> implements Sessions<S>, Places<S> {
  readonly table = new RoutingTable<S>();
  readonly retiring = new Set<S>();

  /** @param graceMs what sessions of an earlier credential get to end */
  constructor(private readonly graceMs: number) {}

  all(): S[] {
    return [...this.table.sessions(), ...this.retiring];
  }

  enter(session: S, answer: (refusal: Refusal | undefined) => void): void {
    const claim = this.table.claim(session);
    if (!claim.taken) return answer(claim.reason);
    answer(undefined);
    retireReplacedSessions(this, session, claim.loser, this.graceMs);
  }

  left(session: S): void {
    this.table.release(session);
    this.retiring.delete(session);
  }
}
