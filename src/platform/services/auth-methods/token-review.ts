import { z } from "zod";
import { asSallyportError } from "../../../telemetry/error.ts";
import type { HostRule } from "../host-rule.ts";
import { callKubernetes, type KubernetesPlace } from "./kubernetes-api.ts";
import { LoginRefused } from "./refused.ts";

/** A service account, as its cluster knows it. */
export interface ServiceAccount {
  namespace: string;
  name: string;
  /** The audiences that were asked for and that its token is for. */
  audiences: string[];
}

interface Review {
  place: KubernetesPlace;
  /** Who asks: a reviewer's token, or the presented one itself. */
  reviewer: string;
  /** The token that is asked about. */
  presented: string;
  /** Empty = those of the API server. */
  audience: string;
}

const PATH = "/apis/authentication.k8s.io/v1/tokenreviews";
const API_VERSION = "authentication.k8s.io/v1";

const reviewed = z.object({
  status: z.object({
    authenticated: z.boolean().default(false),
    error: z.string().default(""),
    user: z.object({ username: z.string().max(1024) }).optional(),
    audiences: z.array(z.string().max(1024)).max(100).default([]),
  }),
});

/** A DNS label and a DNS subdomain, as Kubernetes names them. */
const SERVICE_ACCOUNT = /^system:serviceaccount:([a-z0-9-]{1,63}):([a-z0-9.-]{1,253})$/;

/**
 * Asks a cluster whose token this is (TokenReview, PROTOCOL G).
 * @throws LoginRefused with one of the token_review reasons, token_not_authenticated, not_a_service_account
 */
export async function reviewToken(rule: HostRule, review: Review): Promise<ServiceAccount> {
  const { status, answer } = await ask(rule, review);
  if (status === 401 || status === 403) {
    throw refused(
      "token_review_forbidden",
      "the reviewer may not review tokens: bind its service account to the cluster role system:auth-delegator",
    );
  }
  if (status !== 200 && status !== 201) {
    throw refused("token_review_request_failed", `the Kubernetes API answers ${status}`);
  }
  const parsed = reviewed.safeParse(answer);
  if (!parsed.success) {
    throw refused("token_review_malformed_response", "what answers is no Kubernetes API");
  }
  const { authenticated, error, user, audiences } = parsed.data.status;
  if (!authenticated) {
    // Its own words are not for strangers.
    const reason = error === "" ? "token_not_authenticated" : "token_review_error";
    throw refused(reason, "the cluster does not accept the token: it is expired, or another cluster's");
  }
  const [, namespace, name] = SERVICE_ACCOUNT.exec(user?.username ?? "") ?? [];
  if (namespace === undefined || name === undefined) {
    throw refused("not_a_service_account", "the token is not a service account's");
  }
  return { namespace, name, audiences };
}

/** Whether somebody may review tokens there, found out by asking about a token that is nobody's. */
export async function mayReview(rule: HostRule, review: Omit<Review, "presented">): Promise<boolean> {
  const { status } = await ask(rule, { ...review, presented: "sallyport-probe" });
  return status === 200 || status === 201;
}

async function ask(rule: HostRule, { place, reviewer, presented, audience }: Review) {
  const spec = { token: presented, ...(audience === "" ? {} : { audiences: [audience] }) };
  const body = { apiVersion: API_VERSION, kind: "TokenReview", spec };
  try {
    return await callKubernetes(rule, place, { method: "POST", path: PATH, bearer: reviewer, body });
  } catch (error) {
    const { message } = asSallyportError(error, "PLATFORM_UNREACHABLE", "The review failed");
    throw refused("token_review_request_failed", message.replace(/\.$/, ""), error);
  }
}

function refused(
  reason: ConstructorParameters<typeof LoginRefused>[0],
  why: string,
  cause?: unknown,
): LoginRefused {
  return new LoginRefused(reason, `The Kubernetes login is refused: ${why}`, { cause });
}
