import { matchesPattern, splitList } from "./list.ts";
import { LoginRefused } from "./refused.ts";
import type { KubernetesSettings } from "./settings.ts";
import type { ServiceAccount } from "./token-review.ts";

/**
 * Each list that is not empty decides, with `*` for any characters; the audience exactly. Nobody passes without a
 * namespace or a name that is allowed.
 * @returns what the audit log says of it
 * @throws LoginRefused no_allowlist_configured, namespace_not_allowed, name_not_allowed, audience_not_allowed
 */
export function judgeServiceAccount(
  { namespace, name, audiences }: ServiceAccount,
  settings: KubernetesSettings,
): Record<string, string> {
  const who = { namespace, serviceAccount: name };
  const namespaces = splitList(settings.allowedNamespaces);
  const names = splitList(settings.allowedNames);
  if (namespaces.length + names.length === 0) {
    throw new LoginRefused("no_allowlist_configured", "Nobody may log in by Kubernetes here", { who });
  }
  const fits = (patterns: string[], text: string) =>
    patterns.length === 0 || patterns.some((pattern) => matchesPattern(pattern, text));
  if (!fits(namespaces, namespace)) {
    throw new LoginRefused("namespace_not_allowed", `The namespace ${namespace} may not log in here`, {
      who,
    });
  }
  if (!fits(names, name)) {
    throw new LoginRefused("name_not_allowed", `The service account ${name} may not log in here`, { who });
  }
  const { allowedAudience } = settings;
  if (allowedAudience !== "" && !audiences.includes(allowedAudience)) {
    throw new LoginRefused(
      "audience_not_allowed",
      "The token is not for the audience that is demanded here",
      {
        who,
      },
    );
  }
  return who;
}
