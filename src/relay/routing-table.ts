/** What the table needs to know of a gateway's session. */
export interface Routed {
  readonly gatewayId: string;
  readonly generation: number;
  readonly remoteAddress: string;
}

/** How a claim ended. A refused one, and the `loser` of a taken one, are to be told `replaced` (EXTENSIONS X3). */
export type Claim<S> =
  | { taken: true; loser: S | undefined }
  | { taken: false; reason: "lower-generation" | "duplicate" | "revoked" };

/** Two live holders of one gateway's credentials. */
export interface Duplicate {
  gatewayId: string;
  addresses: [present: string, refused: string];
  since: number;
}

const REPLACEMENTS = 3;
const WITHIN_MS = 60_000;
const REFUSED_MS = 60_000;
/** Gateways remembered after their session is over, and conditions kept. Oldest are forgotten first. */
const MOST_REMEMBERED = 100_000;

interface History {
  /** The platform has revoked the gateway, and it has not come back with anything newer. */
  revoked: boolean;
  /** Highest generation ever seen or asked for: an older credential does not come back while its successor is away. */
  generation: number;
  /** When sessions of equal generation replaced each other from different addresses, newest last; at most three. */
  replacements: number[];
  /** Until then newcomers of equal generation from other addresses are refused. */
  refusedUntil: number;
}

/**
 * Which session serves a gateway: the highest credential generation wins, then the newest. Two hosts with one
 * credential would replace each other for ever, so after three replacements within a minute the present one stays.
 */
export class RoutingTable<S extends Routed> {
  readonly #sessions = new Map<string, S>();
  readonly #histories = new Map<string, History>();
  readonly #duplicates = new Map<string, Duplicate>();
  #onChange: () => void = () => {};

  /** @param now milliseconds of a clock that never goes back */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Calls back whenever a gateway comes or goes. */
  watch(listener: () => void): void {
    this.#onChange = listener;
  }

  claim(session: S): Claim<S> {
    const { gatewayId, generation } = session;
    const present = this.#sessions.get(gatewayId);
    const history = this.#historyOf(gatewayId, present?.generation ?? 0);
    if (generation < history.generation) {
      return { taken: false, reason: history.revoked ? "revoked" : "lower-generation" };
    }
    history.revoked = false;
    if (generation > history.generation) {
      history.generation = generation;
      history.replacements = [];
      history.refusedUntil = 0;
      this.#duplicates.delete(gatewayId);
    } else if (present && present.remoteAddress !== session.remoteAddress) {
      if (this.#isDuplicate(history)) {
        this.#remember(present, session);
        return { taken: false, reason: "duplicate" };
      }
      history.replacements.push(this.now());
    }
    this.#sessions.set(gatewayId, session);
    this.#onChange();
    return { taken: true, loser: present };
  }

  find(gatewayId: string): S | undefined {
    return this.#sessions.get(gatewayId);
  }

  /**
   * The platform accepts this generation of a gateway's credentials and later ones only, from now on.
   * @param revoked whether there is no newer one yet
   */
  refuseBelow(gatewayId: string, generation: number, revoked: boolean): void {
    const history = this.#historyOf(gatewayId, 0);
    if (generation < history.generation) return;
    history.generation = generation;
    history.revoked = revoked;
  }

  leastGeneration(gatewayId: string): number {
    return this.#histories.get(gatewayId)?.generation ?? 0;
  }

  /** Whether the platform has revoked this gateway, and it has not come back with anything newer. */
  isRevoked(gatewayId: string): boolean {
    return this.#histories.get(gatewayId)?.revoked ?? false;
  }

  /** Takes the session out, if it is still the one that serves its gateway. */
  release(session: S): void {
    if (this.#sessions.get(session.gatewayId) !== session) return;
    this.#sessions.delete(session.gatewayId);
    this.#onChange();
  }

  sessions(): S[] {
    return [...this.#sessions.values()];
  }

  /** GATEWAY_DUPLICATE: those refused within the last minute. */
  duplicates(): Duplicate[] {
    for (const gatewayId of this.#duplicates.keys()) {
      const history = this.#histories.get(gatewayId);
      if (!history || this.now() >= history.refusedUntil) this.#duplicates.delete(gatewayId);
    }
    return [...this.#duplicates.values()];
  }

  #isDuplicate(history: History): boolean {
    const now = this.now();
    if (now < history.refusedUntil) return true;
    history.replacements = history.replacements.filter((time) => now - time < WITHIN_MS);
    if (history.replacements.length < REPLACEMENTS) return false;
    history.refusedUntil = now + REFUSED_MS;
    history.replacements = [];
    return true;
  }

  #remember(present: S, refused: S): void {
    const { gatewayId } = present;
    const since = this.#duplicates.get(gatewayId)?.since ?? this.now();
    this.#duplicates.set(gatewayId, {
      gatewayId,
      addresses: [present.remoteAddress, refused.remoteAddress],
      since,
    });
    trim(this.#duplicates);
  }

  #historyOf(gatewayId: string, generation: number): History {
    const history = this.#histories.get(gatewayId) ?? {
      generation,
      revoked: false,
      replacements: [],
      refusedUntil: 0,
    };
    this.#histories.delete(gatewayId);
    this.#histories.set(gatewayId, history);
    trim(this.#histories);
    return history;
  }
}

function trim(map: Map<string, unknown>): void {
  if (map.size <= MOST_REMEMBERED) return;
  const oldest = map.keys().next().value;
  if (oldest !== undefined) map.delete(oldest);
}
