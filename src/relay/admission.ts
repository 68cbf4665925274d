import type { AddressMatcher } from "../host/address-ranges.ts";
import type { Admission, AdmissionTicket } from "../tunnel/admission.ts";
import { addressGroup } from "./address.ts";
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
  /** Does something in so many milliseconds, not before what has come in by then was read. */
  later?: (work: () => void, milliseconds: number) => void;
}

/** A newcomer has so long to say something before it may be dropped: who means it speaks at once. */
const FRESH_MS = 200;
/** But there may be no more newcomers than the limit so many times. */
const MOST_FRESH = 10;
/** A connection that got no further for this long is dropped before all that move. */
const STALLED_MS = 1_000;

interface Place {
  /** Undefined: an exempt address. */
  group: string | undefined;
  since: number;
  progress: number;
  /** When it came, or got one step further. */
  moved: number;
  drop: () => void;
}

/**
 * The relay's door: how many connections may be waiting to authenticate, in all and per address. A full house drops
 * those that stall, then those that got least far, the oldest of them, and never the newcomer: slow peers can't lock
 * honest ones out, however often they come back.
 */
export class RelayAdmission implements Admission {
  /** In order of arrival. */
  readonly #waiting = new Set<Place>();
  readonly #byGroup = new Map<string, number>();
  readonly #penalties: Penalties;
  readonly #limits: AdmissionRule;
  readonly #exempt: AddressMatcher;
  readonly #now: () => number;
  readonly #later: (work: () => void, milliseconds: number) => void;
  #looksLater = false;

  constructor(options: AdmissionOptions) {
    const { limits, exempt = () => false, now = () => performance.now(), later = afterReading } = options;
    this.#limits = limits;
    this.#exempt = exempt;
    this.#now = now;
    this.#later = later;
    this.#penalties = new Penalties(limits, now);
  }

  /** Connections that have not authenticated yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  admit(remoteAddress: string, drop: () => void): AdmissionTicket | null {
    const address = addressGroup(remoteAddress);
    const group = this.#exempt(remoteAddress) ? undefined : address;
    if (group !== undefined && this.#penalties.active(group)) return null;
    const now = this.#now();
    const place: Place = { group, since: now, progress: 0, moved: now, drop };
    this.#enter(place);
    return {
      progress: () => {
        place.progress++;
        place.moved = this.#now();
      },
      authenticated: () => {
        this.#leave(place);
        if (group !== undefined) this.#penalties.forgive(group);
      },
      failed: () => {
        if (group !== undefined) this.#penalties.add(group);
      },
      close: () => this.#leave(place),
    };
  }

  #enter(place: Place): void {
    const { unauthenticated, unauthenticatedPerAddress } = this.#limits;
    const { group } = place;
    const inGroup = group === undefined ? 0 : (this.#byGroup.get(group) ?? 0);
    if (this.#waiting.size >= unauthenticated * MOST_FRESH) this.#drop(1, this.#crowd());
    this.#waiting.add(place);
    if (group !== undefined) this.#byGroup.set(group, (this.#byGroup.get(group) ?? 0) + 1);
    if (inGroup >= unauthenticatedPerAddress || this.#waiting.size > unauthenticated) this.#lookLater();
  }

  /** Those of the address that has most, if it has more than it may; else everybody. */
  #crowd(): (place: Place) => boolean {
    let [largest, most]: [string | undefined, number] = [undefined, this.#limits.unauthenticatedPerAddress];
    for (const [group, count] of this.#byGroup) if (count > most) [largest, most] = [group, count];
    return ({ group }) => largest === undefined || group === largest;
  }

  #leave(place: Place): void {
    const { group } = place;
    if (!this.#waiting.delete(place) || group === undefined) return;
    const left = (this.#byGroup.get(group) ?? 0) - 1;
    if (left > 0) this.#byGroup.set(group, left);
    else this.#byGroup.delete(group);
  }

  #lookLater(): void {
    if (this.#looksLater) return;
    this.#looksLater = true;
    this.#later(() => {
      this.#looksLater = false;
      if (!this.#makeRoom()) this.#lookLater();
    }, FRESH_MS);
  }

  /** @returns false when some are only left because they have just come */
  #makeRoom(): boolean {
    const { unauthenticated, unauthenticatedPerAddress } = this.#limits;
    const old = this.#now() - FRESH_MS;
    let done = true;
    for (const [group, count] of [...this.#byGroup]) {
      const surplus = count - unauthenticatedPerAddress;
      if (surplus > 0)
        done = this.#drop(surplus, (place) => place.group === group && place.since <= old) && done;
    }
    const surplus = this.#waiting.size - unauthenticated;
    return (surplus <= 0 || this.#drop(surplus, ({ since }) => since <= old)) && done;
  }

  /** @returns whether there were enough of them */
  #drop(count: number, may: (place: Place) => boolean): boolean {
    const stalled = this.#now() - STALLED_MS;
    const moves = ({ moved }: Place) => (moved > stalled ? 1 : 0);
    // Sorting keeps the order of arrival among equals.
    const victims = [...this.#waiting]
      .filter(may)
      .sort((a, b) => moves(a) - moves(b) || a.progress - b.progress)
      .slice(0, count);
    for (const victim of victims) {
      this.#leave(victim);
      victim.drop();
    }
    return victims.length === count;
  }
}

/** After the timer comes what was received meanwhile, then the immediate. */
function afterReading(work: () => void, milliseconds: number): void {
  setTimeout(setImmediate, milliseconds, work).unref();
}
