import { type AwsPrincipal, isAllowed } from "./aws-principal.ts";
import { splitList } from "./list.ts";
import { LoginRefused } from "./refused.ts";
import type { AwsSettings } from "./settings.ts";

/** Makes two signatures of the same second differ (EXTENSIONS X8). */
const NONCE = /^[A-Za-z0-9_-]{16,128}$/;

/**
 * A signature that names whom it is for has to name us and this resource; one that names nobody will do unless the
 * settings demand it, because Infisical's agents name nobody.
 * @throws LoginRefused audience_not_allowed
 */
export function requireAudience(
  audience: string | undefined,
  { requireAudience: required }: AwsSettings,
  expected: { platformId: string; id: string },
): void {
  if (audience === undefined) {
    if (!required) return;
    throw elsewhere("it names nobody that it is for, as Sallyport's agents do and this one has to");
  }
  const [platformId, id, nonce = "", ...more] = audience.split("/");
  if (platformId !== expected.platformId || id !== expected.id || more.length > 0 || !NONCE.test(nonce)) {
    throw elsewhere("it is signed for another platform, gateway or relay");
  }
}

/** @throws LoginRefused no_allowlist_configured */
export function requireAllowList({ allowedPrincipalArns, allowedAccountIds }: AwsSettings): void {
  if (splitList(`${allowedPrincipalArns},${allowedAccountIds}`).length > 0) return;
  throw new LoginRefused(
    "no_allowlist_configured",
    "Nobody may log in by AWS here: allow an ARN or an account",
  );
}

/**
 * Both lists decide, an empty one for everybody; nobody passes two empty ones.
 * @returns what the audit log says of them
 * @throws LoginRefused no_allowlist_configured, account_id_not_allowed, principal_arn_not_allowed
 */
export function judgePrincipal(principal: AwsPrincipal, settings: AwsSettings): Record<string, string> {
  requireAllowList(settings);
  const who = { principalArn: principal.arn, accountId: principal.account };
  const accounts = splitList(settings.allowedAccountIds);
  if (accounts.length > 0 && !accounts.includes(principal.account)) {
    throw new LoginRefused(
      "account_id_not_allowed",
      `The AWS account ${principal.account} may not log in here`,
      {
        who,
      },
    );
  }
  const patterns = splitList(settings.allowedPrincipalArns);
  if (patterns.length > 0 && !isAllowed(principal, patterns)) {
    throw new LoginRefused(
      "principal_arn_not_allowed",
      `The AWS principal ${principal.arn} may not log in here`,
      {
        who,
      },
    );
  }
  return who;
}

function elsewhere(why: string): LoginRefused {
  return new LoginRefused("audience_not_allowed", `The AWS login is refused: ${why}`);
}
