import type { ClientCredentials } from "../pki/credentials.ts";
import type { Code } from "../telemetry/codes.ts";
import { SallyportError } from "../telemetry/error.ts";

/** The ways to one gateway, one for each of its relays, best first; never none. */
export interface WaysOptions {
  /** @param anew what was handed out before has failed. @throws SallyportError */
  ways: (anew: boolean) => Promise<ClientCredentials[]>;
  /** Milliseconds of a clock that never jumps. */
  now?: () => number;
}

export interface Attempt {
  credentials: ClientCredentials;
  /** How long to wait for the relay itself; there is another one. */
  relayTimeoutMs: number | undefined;
}

/** With these the next relay may do better: the first one is away, stops, or has lost the gateway. */
const ANOTHER_WAY: ReadonlySet<Code> = new Set<Code>([
  "RELAY_UNREACHABLE",
  "TLS_FAILED",
  "TLS_UNTRUSTED",
  "GATEWAY_NOT_CONNECTED",
  "GATEWAY_BUSY",
  "RESOURCE_SHORTAGE",
  "DRAINING",
]);
/** A relay that does not answer delays a connection by this much, where there is another one (ACCEPTANCE F1: 3 s). */
const RELAY_PATIENCE_MS = 2000;
/** A relay that has just failed is tried last for so long. */
const FAILED_MS = 30_000;

/** Goes through whichever relay leads to the gateway, and remembers which one did not. */
export class Ways {
  readonly #ways: WaysOptions["ways"];
  readonly #now: () => number;
  /** When each relay failed last, by its address. */
  readonly #failed = new Map<string, number>();

  constructor({ ways, now = () => performance.now() }: WaysOptions) {
    this.#ways = ways;
    this.#now = now;
  }

  /**
   * The first success of `work`. When every way has failed the platform may know better ones: it is asked once.
   * @throws what the first way came to; at once what another relay would not change
   */
  async through<T>(work: (attempt: Attempt) => Promise<T>): Promise<T> {
    const known = await this.#ways(false);
    try {
      return await this.#oneOf(known, work);
    } catch (error) {
      const next = isOfTheWay(error) ? await this.#ways(true) : known;
      if (next === known) throw error;
      return this.#oneOf(next, work);
    }
  }

  async #oneOf<T>(ways: ClientCredentials[], work: (attempt: Attempt) => Promise<T>): Promise<T> {
    let failure: unknown;
    const ordered = this.#ordered(ways);
    for (const [index, credentials] of ordered.entries()) {
      const isLast = index === ordered.length - 1;
      const started = this.#now();
      const relayTimeoutMs = isLast ? undefined : RELAY_PATIENCE_MS;
      try {
        const result = await work({ credentials, relayTimeoutMs });
        this.#failed.delete(placeOf(credentials));
        return result;
      } catch (error) {
        // A time-out counts where it is that of the relay, not of the gateway or the target.
        const wasRelay = !isLast && isTimeout(error) && this.#now() - started < 2 * RELAY_PATIENCE_MS;
        if (!wasRelay && !isOfTheWay(error)) throw error;
        this.#failed.set(placeOf(credentials), this.#now());
        failure ??= error;
      }
    }
    throw failure;
  }

  #ordered(ways: ClientCredentials[]): ClientCredentials[] {
    const now = this.#now();
    for (const [place, at] of this.#failed) if (now - at > FAILED_MS) this.#failed.delete(place);
    const rank = (way: ClientCredentials) => (this.#failed.has(placeOf(way)) ? 1 : 0);
    return ways.toSorted((a, b) => rank(a) - rank(b));
  }
}

function placeOf({ relayHost, relayPort }: ClientCredentials): string {
  return `${relayHost} ${relayPort}`;
}

function isOfTheWay(error: unknown): boolean {
  return error instanceof SallyportError && ANOTHER_WAY.has(error.code);
}

function isTimeout(error: unknown): boolean {
  return error instanceof SallyportError && error.code === "TIMEOUT";
}
