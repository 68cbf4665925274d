import type { Code } from "./codes.ts";
import type { ConditionCode } from "./condition-codes.ts";
import type { Conditions } from "./conditions.ts";
import { asSallyportError } from "./error.ts";

const PLACE = "platform";

/** Codes of an answer that says no, for good; others are the platform's trouble or the way to it. */
const REFUSALS: ReadonlySet<Code> = new Set<Code>(["UNAUTHENTICATED", "FORBIDDEN", "GATEWAY_REVOKED"]);
const AWAY: ReadonlySet<Code> = new Set<Code>([
  "PLATFORM_UNREACHABLE",
  "PLATFORM_ERROR",
  "TIMEOUT",
  "RATE_LIMITED",
]);

/** New certificates were asked for in vain. */
export function renewalFailed(conditions: Conditions, error: unknown, fix?: string): void {
  const { code, message } = asSallyportError(error, "INTERNAL", "Certificates could not be renewed");
  conditions.raise(PLACE, conditionOf(code), { text: message, fix: fix ?? standardFix(code) });
}

export function renewalWorked(conditions: Conditions): void {
  conditions.clear(PLACE);
}

function conditionOf(code: Code): ConditionCode {
  if (REFUSALS.has(code)) return "ACCESS_REVOKED";
  return AWAY.has(code) ? "PLATFORM_UNREACHABLE" : "RENEWAL_FAILED";
}

function standardFix(code: Code): string {
  if (REFUSALS.has(code)) return "Enroll it again with a new token (deploy-command), if it is still wanted.";
  if (AWAY.has(code)) {
    return "Check the platform, and this machine's DNS, proxy and firewall towards it. Connections go on meanwhile.";
  }
  return "Do what the message says; until then the present certificates are used.";
}
