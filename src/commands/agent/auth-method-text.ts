import type { AuthMethodView } from "../../platform-client/calls/agent-login.ts";

/** How something logs in, in a few lines for people. */
export function authMethodLines(view: AuthMethodView | null | undefined): string[] {
  if (!view) return [];
  const { method } = view;
  const more: [label: string, value: string | undefined][] = [
    ["ARNs", view.allowedPrincipalArns],
    ["accounts", view.allowedAccountIds],
    ["audience", view.requireAudience === false ? "not demanded: Infisical's CLI may log in" : undefined],
    ["cluster", view.kubernetesHost],
    ["reviewer", view.hasTokenReviewerJwt === false ? "the pod itself" : undefined],
    ["namespaces", view.allowedNamespaces],
    ["service accounts", view.allowedNames],
    ["audience", view.allowedAudience],
  ];
  const settings = more.filter(([, value]) => value).map(([label, value]) => `           ${label}: ${value}`);
  return [`Logs in    by ${method}`, ...settings];
}
