import type { Clock } from "../host/clock.ts";
import type { GatewayRelay } from "../pki/credentials.ts";
import type { GatewayConnect, GatewayConnectRequest } from "../platform-client/calls/gateway-agent.ts";
import type { RelayRow } from "../platform-client/calls/relays.ts";
import { SallyportError } from "../telemetry/error.ts";
import { chooseRelays, relayPlace } from "./relay-choice.ts";

export interface RelayWishOptions {
  /** The only relays to use, best first; none: whichever are best. */
  pinned: string[];
  /** How many tunnels, where none is pinned. */
  tunnels: number;
  /** Every relay that this gateway may use. */
  list: (signal: AbortSignal) => Promise<RelayRow[]>;
  /** Milliseconds to a TCP connection; undefined when there is none. */
  measure: (host: string, port: number, signal: AbortSignal) => Promise<number | undefined>;
  clock: Clock;
  random: () => number;
}

/** A relay that could not be reached is not chosen again for so long, unless there is no other. */
const AVOID_MS = 5 * 60_000;
/** A gateway with one tunnel looks elsewhere after this many failed attempts in a row (PROTOCOL 0.2), with several later. */
const PATIENCE = { alone: 1, several: 3 };
/** What a platform answers that leaves the choice to the gateway and got none: Infisical's. */
const UNCHOSEN = ["NOT_FOUND", "REQUEST_INVALID", "PLATFORM_ERROR"];

/**
 * Which relays a connect call asks for. Pinned ones and no others, ever (EXTENSIONS X2). Otherwise Sallyport's platform
 * chooses; Infisical's does not, and no platform knows what this machine can reach: then the choice is made here.
 */
export class RelayWish {
  readonly #options: RelayWishOptions;
  /** Until when each is avoided, wall-clock milliseconds. */
  readonly #avoided = new Map<string, number>();
  #chosen: string[] = [];
  /** The platform answers with the relays of its own choice. */
  #platformChooses = true;

  constructor(options: RelayWishOptions) {
    this.#options = options;
  }

  /** The part of a connect call that says which relays. */
  get request(): Pick<GatewayConnectRequest, "relayName" | "relayNames" | "maxRelays"> {
    const { pinned, tunnels } = this.#options;
    const names = pinned.length > 0 ? pinned : this.#chosen;
    const [relayName] = names;
    if (relayName === undefined) return { maxRelays: tunnels };
    return names.length > 1 ? { relayName, relayNames: names, maxRelays: names.length } : { relayName };
  }

  /** Learns who chooses. Where the platform does, a choice of ours lasts as long as there is something to avoid. */
  answered(answer: GatewayConnect): void {
    this.#platformChooses = answer.relays !== undefined;
    if (this.#platformChooses && this.#places().size === 0) this.#chosen = [];
  }

  /**
   * Whether this failed call is worth another one, with relays chosen here.
   * @throws what `list` throws
   */
  async chosenInstead(error: unknown, signal: AbortSignal): Promise<boolean> {
    const { pinned } = this.#options;
    const isUnchosen = error instanceof SallyportError && UNCHOSEN.includes(error.code);
    if (pinned.length > 0 || !isUnchosen) return false;
    return this.#choose([], signal);
  }

  /**
   * Whether another relay should be asked for, after so many failed attempts in a row to reach this one.
   * @throws what `list` throws
   */
  async movedAway(
    relay: GatewayRelay,
    failures: number,
    present: GatewayRelay[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const patience = present.length > 1 ? PATIENCE.several : PATIENCE.alone;
    if (this.#options.pinned.length > 0 || failures < patience) return false;
    this.#avoided.set(relayPlace(relay), this.#options.clock.now() + AVOID_MS);
    return this.#choose(present, signal);
  }

  /** True when the choice is another one than before. */
  async #choose(present: GatewayRelay[], signal: AbortSignal): Promise<boolean> {
    const { list, measure, tunnels, clock, random } = this.#options;
    const names = await chooseRelays({
      rows: await list(signal),
      count: this.#platformChooses ? tunnels : 1,
      present,
      avoid: this.#places(),
      measure: (host, port) => measure(host, port, signal),
      now: clock.now(),
      random,
    });
    const before = this.#chosen.length > 0 ? this.#chosen : present.map(({ relayName }) => relayName);
    if (
      names.length === 0 ||
      (names.length === before.length && names.every((name) => before.includes(name)))
    ) {
      return false;
    }
    this.#chosen = names;
    return true;
  }

  /** Those to avoid now. */
  #places(): Set<string> {
    const now = this.#options.clock.now();
    for (const [place, until] of this.#avoided) if (until <= now) this.#avoided.delete(place);
    return new Set(this.#avoided.keys());
  }
}
