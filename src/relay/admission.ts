import type { Admission, AdmissionTicket } from "../tunnel/admission.ts";
import { type AddressMatcher, addressGroup } from "./address.ts";
import { Penalties, type PenaltyRule } from "./penalties.ts";

export interface AdmissionRule extends PenaltyRule {
  unauthenticated: number;
  unauthenticatedPerAddress: number;
}

export interface AdmissionOptions {
  limits: AdmissionRule;
  /** Addresses without a limit of their own and without penalties; they still count in the total. */
  exempt?: AddressMatcher;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
}

/** A connection this young is dropped only if there is no older one: it has not had the time to get anywhere. */
const YOUNG_MS = 1_000;

interface Place {
  group: string;
  since: number;
  progress: number;
  drop: () => void;
}

/**
 * The relay's door: how many connections may be waiting to authenticate, in all and per address. A full house drops
 * the waiter that got least far, the oldest of those, and never the newcomer: slow peers can't lock honest ones out.
 */
export class RelayAdmission implements Admission {
  /** In order of arrival. Never longer than `unauthenticated`. */
  readonly #waiting = new Set<Place>();
  readonly #penalties: Penalties;
  readonly #limits: AdmissionRule;
  readonly #exempt: AddressMatcher;
  readonly #now: () => number;

  constructor({ limits, exempt = () => false, now = () => performance.now() }: AdmissionOptions) {
    this.#limits = limits;
    this.#exempt = exempt;
    this.#now = now;
    this.#penalties = new Penalties(limits, now);
  }

  /** Connections that have not authenticated yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  admit(remoteAddress: string, drop: () => void): AdmissionTicket | null {
    const group = addressGroup(remoteAddress);
    const exempt = this.#exempt(remoteAddress);
    if (!exempt && this.#penalties.active(group)) return null;
    if (!exempt) this.#makeRoom(this.#limits.unauthenticatedPerAddress, (place) => place.group === group);
    this.#makeRoom(this.#limits.unauthenticated, () => true);
    const place: Place = { group, since: this.#now(), progress: 0, drop };
    this.#waiting.add(place);
    return {
      progress: () => {
        place.progress++;
      },
      authenticated: () => {
        this.#waiting.delete(place);
        if (!exempt) this.#penalties.forgive(group);
      },
      failed: () => {
        if (!exempt) this.#penalties.add(group);
      },
      close: () => {
        this.#waiting.delete(place);
      },
    };
  }

  #makeRoom(limit: number, counts: (place: Place) => boolean): void {
    const places = [...this.#waiting].filter(counts);
    if (places.length < limit) return;
    const old = places.filter((place) => this.#now() - place.since >= YOUNG_MS);
    const victim = leastFar(old) ?? leastFar(places);
    if (!victim) return;
    this.#waiting.delete(victim);
    victim.drop();
  }
}

/** Least progress first; among equals the first, which is the oldest. */
function leastFar(places: Place[]): Place | undefined {
  return places.reduce<Place | undefined>(
    (least, place) => (least && least.progress <= place.progress ? least : place),
    undefined,
  );
}
