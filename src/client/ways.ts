import type { ClientCredentials } from "../pki/credentials.ts";
import type { Code } from "../telemetry/codes.ts";
import { SallyportError } from "../telemetry/error.ts";

/** The ways to one gateway. */
export interface KnownWays {
  /** One for each of its relays, best first; never none. */
  ways: ClientCredentials[];
  /** It was chosen from a pool, so another one may stand in for it. */
  pooled?: boolean;
}

export interface WaysOptions<K extends KnownWays = KnownWays> {
  /**
   * @param failed what was handed out before and led nowhere: the same again means that there is nothing better
   * @throws SallyportError
   */
  ways: (failed?: K) => Promise<K>;
  /** Milliseconds of a clock that never jumps. */
  now?: () => number;
}

export interface Attempt<K extends KnownWays = KnownWays> {
  credentials: ClientCredentials;
  /** What they are part of. */
  known: K;
  /** How long to wait for the relay itself; there is another one. */
  relayTimeoutMs: number | undefined;
  /** How long to wait for all of it; there is another gateway. */
  timeoutMs: number | undefined;
}

/** With these the next relay may do better: the first one is away, stops, or has lost the gateway. */
const ANOTHER_WAY: ReadonlySet<Code> = new Set<Code>([
  "RELAY_UNREACHABLE",
  "PROXY_UNREACHABLE",
  "PROXY_REFUSED",
  "TLS_FAILED",
  "TLS_UNTRUSTED",
  "GATEWAY_NOT_CONNECTED",
  "GATEWAY_BUSY",
  "RESOURCE_SHORTAGE",
  "DRAINING",
]);
/** With these another gateway may do better, too: nothing has got through to the target. */
const ANOTHER_GATEWAY: ReadonlySet<Code> = new Set<Code>([...ANOTHER_WAY, "TIMEOUT", "GATEWAY_REVOKED"]);
/** With these the platform may have newer certificates: its authorities rotate (ACCEPTANCE F7). */
const OUT_OF_DATE: ReadonlySet<Code> = new Set<Code>(["CERTIFICATE_REFUSED"]);
/** A relay that does not answer delays a connection by this much, where there is another one (ACCEPTANCE F1: 3 s). */
const RELAY_PATIENCE_MS = 2000;
/** The same for a gateway of a pool; it may take 10 s to reach its target (ACCEPTANCE, "Limits to ship"). */
const GATEWAY_PATIENCE_MS = 12_000;
/** A relay that has just failed is tried last for so long. */
const FAILED_MS = 30_000;

/**
 * Goes through whichever relay leads to the gateway, and remembers which one did not. Behind a pool a second gateway is
 * tried when the first can't be reached, and no third (PROTOCOL H.4).
 */
export class Ways<K extends KnownWays = KnownWays> {
  readonly #ways: WaysOptions<K>["ways"];
  readonly #now: () => number;
  /** When each relay failed last, by its address. */
  readonly #failed = new Map<string, number>();

  constructor({ ways, now = () => performance.now() }: WaysOptions<K>) {
    this.#ways = ways;
    this.#now = now;
  }

  /**
   * The first success of `work`. When every way has failed the platform may know better ones: it is asked once.
   * @throws what the first way came to; at once what neither another relay nor another gateway would change
   */
  async through<T>(work: (attempt: Attempt<K>) => Promise<T>): Promise<T> {
    const known = await this.#ways();
    const timeoutMs = known.pooled ? GATEWAY_PATIENCE_MS : undefined;
    try {
      return await this.#oneOf(known, timeoutMs, work);
    } catch (error) {
      const mayHelp = known.pooled ? ANOTHER_GATEWAY : ANOTHER_WAY;
      const next = isOf(mayHelp, error) || isOf(OUT_OF_DATE, error) ? await this.#better(known) : known;
      if (next === known) throw error;
      return this.#oneOf(next, undefined, work);
    }
  }

  /** What the platform says now matters less than what came of the ways that it gave before. */
  async #better(known: K): Promise<K> {
    try {
      return await this.#ways(known);
    } catch (error) {
      if (error instanceof SallyportError) return known;
      throw error;
    }
  }

  async #oneOf<T>(
    known: K,
    timeoutMs: number | undefined,
    work: (attempt: Attempt<K>) => Promise<T>,
  ): Promise<T> {
    let failure: unknown;
    const ordered = this.#ordered(known.ways);
    for (const [index, credentials] of ordered.entries()) {
      const isLast = index === ordered.length - 1;
      const started = this.#now();
      const relayTimeoutMs = isLast ? undefined : RELAY_PATIENCE_MS;
      try {
        const result = await work({ credentials, known, relayTimeoutMs, timeoutMs });
        this.#failed.delete(placeOf(credentials));
        return result;
      } catch (error) {
        // A time-out counts where it is that of the relay, not of the gateway or the target.
        const wasRelay = !isLast && isTimeout(error) && this.#now() - started < 2 * RELAY_PATIENCE_MS;
        if (!wasRelay && !isOf(ANOTHER_WAY, error)) throw error;
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

function isOf(codes: ReadonlySet<Code>, error: unknown): boolean {
  return error instanceof SallyportError && codes.has(error.code);
}

function isTimeout(error: unknown): boolean {
  return error instanceof SallyportError && error.code === "TIMEOUT";
}
