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
}

interface Raised {
  code: ConditionCode;
  since: string;
  text: string;
  fix: string;
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
  raise(place: string, code: ConditionCode, { text, fix }: { text: string; fix: string }): void {
    const present = this.#raised.get(place);
    if (!present && this.#raised.size >= MOST) return;
    const since = present?.code === code ? present.since : this.now().toISOString();
    this.#raised.set(place, { code, since, text, fix });
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
    const raised = withNetworkDown([...this.#raised.values()]);
    const present = new Set(raised.map(({ code }) => code));
    const hidden = new Set([...present].flatMap((code) => EXPLAINS[code] ?? []));
    return raised
      .filter(({ code }) => !hidden.has(code))
      .filter(
        (one, i, all) => i === all.findIndex(({ code, text }) => code === one.code && text === one.text),
      )
      .map((one) => ({ ...one, ...weightOf(one.code, present), title: CONDITIONS[one.code].title }))
      .sort((a, b) => RANK[a.severity] - RANK[b.severity] || a.since.localeCompare(b.since));
  }

  measureInto(metrics: Metrics): void {
    metrics.beforeRead(() => {
      metrics.conditions.reset();
      for (const { code, severity } of this.list()) metrics.conditions.inc({ code, severity });
    });
  }
}

/** How bad it is, with all that it explains among the present ones. */
function weightOf(
  code: ConditionCode,
  present: ReadonlySet<ConditionCode>,
): { severity: Severity; impactsTraffic: boolean } {
  const explained = (EXPLAINS[code] ?? []).filter((effect) => present.has(effect));
  const all = [code, ...explained].map((each) => CONDITIONS[each]);
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
