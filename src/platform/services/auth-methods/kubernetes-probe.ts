import { X509Certificate } from "node:crypto";
import { describe, SallyportError } from "../../../telemetry/error.ts";
import type { HostRule } from "../host-rule.ts";
import { callKubernetes } from "./kubernetes-api.ts";
import type { KubernetesSettings } from "./settings.ts";
import { mayReview } from "./token-review.ts";

/**
 * Tries settings out before they are kept: whether a Kubernetes API answers there with a certificate that is trusted, and
 * whether the reviewer, where there is one, may review.
 * @throws SallyportError REQUEST_INVALID with what to change
 */
export async function probeKubernetes(
  hostRule: HostRule,
  settings: KubernetesSettings,
  reviewer: string,
): Promise<void> {
  requireCertificates(settings.caCertificate);
  const rule = hostRule.of("A Kubernetes API");
  rule.normalise(new URL(settings.kubernetesHost).hostname);
  const { status } = await asInvalid(() =>
    callKubernetes(rule, settings, { method: "GET", path: "/version" }),
  );
  // A cluster may keep its version from strangers.
  if (status !== 200 && status !== 401 && status !== 403) {
    throw invalid(`What answers at ${settings.kubernetesHost} is no Kubernetes API: it says ${status}.`);
  }
  if (reviewer === "") return;
  const review = { place: settings, reviewer, audience: settings.allowedAudience };
  if (await asInvalid(() => mayReview(rule, review))) return;
  throw invalid(
    "The cluster does not let this reviewer review tokens: bind its service account to the cluster role system:auth-delegator.",
  );
}

function requireCertificates(pem: string): void {
  if (pem === "") return;
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new SallyportError("REQUEST_INVALID", "The CA certificate is no PEM certificate.", { cause });
  }
}

async function asInvalid<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SallyportError && error.code === "RESOURCE_SHORTAGE") throw error;
    throw invalid(`${describe(error).replace(/( \([a-z_]+\))?\.?$/, "")}.`, error);
  }
}

function invalid(message: string, cause?: unknown): SallyportError {
  return new SallyportError("REQUEST_INVALID", message, { cause });
}
