import { CONDITIONS, type ConditionCode, EXPLAINS, type Severity } from "./condition-codes.ts";
import type { Metrics } from "./metrics.ts";

/** What is wrong now and what to do about it (EXTENSIONS X7). */
export interface Condition {
  code: ConditionCode;
  title: string;
  severity: Severity;
  /** RFC 3339. */
  since: string;
  /** What was seen, one sentence. */
  text: string;
  /** What to do next. */
  fix: string;
  impactsTraffic: boolean;
  /** The relay that it is about, where it is about one of several. */
  about?: string;
}

/** A condition before causes are told from effects. */
export interface Raised {
  code: ConditionCode;
  since: string;
  text: string;
  fix: string;
  about?: string;
}

/** More things can't be wrong at once; a peer must not fill the memory with them. */
const MOST = 1000;
const RANK: Record<Severity, number> = { error: 0, warning: 1, info: 2 };

/**
 * The conditions that hold now. Each is about one thing, its `place` ("platform", "relay edge"), which has one at a
 * time: raising another replaces it. A cause hides its effects and takes over the worst of what they say, so that people
 * read what to repair and nothing else; the same words about two places are said once.
 */
export class Conditions {
  readonly #raised = new Map<string, Raised>();

  constructor(private readonly now: () => Date = () => new Date()) {}

  /** Raised again with the same code it keeps its `since`. */
  raise(
    place: string,
    code: ConditionCode,
    { text, fix, about }: { text: string; fix: string; about?: string },
  ): void {
    const present = this.#raised.get(place);
    if (!present && this.#raised.size >= MOST) return;
    const since = present?.code === code ? present.since : this.now().toISOString();
    this.#raised.set(place, { code, since, text, fix, ...(about !== undefined && { about }) });
  }

  clear(place: string): void {
    this.#raised.delete(place);
  }

  /** Every place beginning with `prefix` that is not in `kept`. */
  clearOthers(prefix: string, kept: ReadonlySet<string>): void {
    for (const place of this.#raised.keys()) {
      if (place.startsWith(prefix) && !kept.has(place)) this.#raised.delete(place);
    }
  }

  /** Those that no other one explains, the worst first. */
  list(): Condition[] {
    return explained([...this.#raised.values()]);
  }

  measureInto(metrics: Metrics): void {
    metrics.beforeRead(() => {
      metrics.conditions.reset();
      for (const { code, severity } of this.list()) metrics.conditions.inc({ code, severity });
    });
  }
}

/** Those that no other one explains, the worst first. The same words are said once. */
export function explained(all: Raised[]): Condition[] {
  const raised = withNetworkDown(all);
  return raised
    .filter((effect) => !raised.some((cause) => explains(cause, effect)))
    .filter(
      (one, i, left) => i === left.findIndex(({ code, text }) => code === one.code && text === one.text),
    )
    .map((one) => ({ ...one, ...weightOf(one, raised), title: CONDITIONS[one.code].title }))
    .sort(byWeight);
}

/** The worst first, then the oldest. */
export function byWeight(a: Pick<Condition, "severity" | "since">, b: typeof a): number {
  return RANK[a.severity] - RANK[b.severity] || a.since.localeCompare(b.since);
}

/** What is about one relay explains nothing about another one; of one code, what is about no relay is the whole of it. */
function explains(cause: Raised, effect: Raised): boolean {
  if (cause.code === effect.code) return cause.about === undefined && effect.about !== undefined;
  if (!EXPLAINS[cause.code]?.includes(effect.code)) return false;
  return cause.about === undefined || effect.about === undefined || cause.about === effect.about;
}

/** How bad it is, with all that it explains among the present ones. */
function weightOf(one: Raised, raised: Raised[]): { severity: Severity; impactsTraffic: boolean } {
  const effects = raised.filter((effect) => explains(one, effect));
  const all = [one, ...effects].map(({ code }) => CONDITIONS[code]);
  const severity = all.map((each) => each.severity).sort((a, b) => RANK[a] - RANK[b])[0] ?? "info";
  return { severity, impactsTraffic: all.some((each) => each.impactsTraffic) };
}

/** Neither the platform nor a relay can be reached: it is not them. */
function withNetworkDown(raised: Raised[]): Raised[] {
  const signs = (["PLATFORM_UNREACHABLE", "RELAY_UNREACHABLE", "NO_TUNNEL"] as const).map((code) =>
    raised.find((one) => one.code === code),
  );
  if (!signs.every((sign) => sign !== undefined)) return raised;
  const [since = ""] = signs.map((sign) => sign.since).sort((a, b) => b.localeCompare(a));
  const text = "Neither the platform nor any relay can be reached from this machine.";
  const fix = "Check this machine's network, DNS and outbound firewall (or its proxy settings).";
  return [...raised, { code: "NETWORK_DOWN", since, text, fix }];
}
