import type { Code } from "./codes.ts";
import type { ConditionCode } from "./condition-codes.ts";
import type { Conditions } from "./conditions.ts";
import { asSallyportError } from "./error.ts";

const RENEWAL = "platform";
const PROBE = "probe";

/** An answer that says no, for good. */
const REFUSALS: ReadonlySet<Code> = new Set<Code>(["UNAUTHENTICATED", "FORBIDDEN", "GATEWAY_REVOKED"]);
/** No answer of use: the platform's trouble, or the way to it. */
const AWAY: ReadonlySet<Code> = new Set<Code>([
  "PLATFORM_UNREACHABLE",
  "PROXY_UNREACHABLE",
  "PROXY_REFUSED",
  "TLS_UNTRUSTED",
  "TIMEOUT",
  "RATE_LIMITED",
]);

/** New certificates were asked for in vain. */
export function renewalFailed(conditions: Conditions, error: unknown, fix?: string): void {
  raise(conditions, RENEWAL, "RENEWAL_FAILED", error, fix);
}

export function renewalWorked(conditions: Conditions): void {
  conditions.clear(RENEWAL);
}

/** The platform was asked to reach this daemon, and did not; or it could not be asked. */
export function probeFailed(conditions: Conditions, error: unknown): void {
  raise(conditions, PROBE, "PROBE_FAILED", error);
}

export function probeWorked(conditions: Conditions): void {
  conditions.clear(PROBE);
}

const FIXES: Partial<Record<ConditionCode, string>> = {
  ACCESS_REVOKED: "If it is still wanted, enroll it again with a new token (deploy-command).",
  PLATFORM_UNREACHABLE:
    "Check the platform, and this machine's DNS, proxy and firewall towards it. Connections go on meanwhile.",
  RENEWAL_FAILED: "Do what the message says; the present certificates are used as long as they are valid.",
  PROBE_FAILED: "See whether a tunnel is up, and whether the platform reaches the relay's TLS port.",
};

function raise(
  conditions: Conditions,
  place: string,
  otherwise: ConditionCode,
  error: unknown,
  fix?: string,
): void {
  const { code, message } = asSallyportError(error, "INTERNAL", "It failed");
  const condition = REFUSALS.has(code)
    ? "ACCESS_REVOKED"
    : AWAY.has(code)
      ? "PLATFORM_UNREACHABLE"
      : otherwise;
  conditions.raise(place, condition, { text: message, fix: fix ?? FIXES[condition] ?? "" });
}
