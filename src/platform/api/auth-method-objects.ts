import { z } from "@hono/zod-openapi";
import { SallyportError } from "../../telemetry/error.ts";
import { faultOfPattern } from "../services/auth-methods/aws-principal.ts";
import { normaliseKubernetesHost } from "../services/auth-methods/kubernetes-api.ts";
import { splitList } from "../services/auth-methods/list.ts";
import { type AuthMethodWish, readSettings } from "../services/auth-methods/settings.ts";
import { time } from "./fields.ts";

/** How gateways and relays log in, as management sets and shows it (PROTOCOL A.3). */

const STS_ENDPOINT = "https://sts.amazonaws.com/";

const arns = z
  .string()
  .max(4096)
  .default("")
  .superRefine((text, context) => {
    const fault = splitList(text).map(faultOfPattern).find(Boolean);
    if (fault) context.addIssue({ code: "custom", message: fault });
  });

const accountIds = z
  .string()
  .max(2048)
  .default("")
  .refine(
    (text) => splitList(text).every((id) => /^\d{12}$/.test(id)),
    "an AWS account id has 12 digits; separate several with commas",
  );

const aws = z
  .object({
    method: z.literal("aws"),
    stsEndpoint: z.string().max(255).default(STS_ENDPOINT),
    allowedPrincipalArns: arns,
    allowedAccountIds: accountIds,
    requireAudience: z.boolean().default(false),
  })
  .refine(
    ({ allowedPrincipalArns, allowedAccountIds }) =>
      splitList(`${allowedPrincipalArns},${allowedAccountIds}`).length > 0,
    "allow at least one principal ARN or account id",
  );

/** Kubernetes' names, and `*`. */
const patterns = z
  .string()
  .max(4096)
  .default("")
  .refine(
    (text) => splitList(text).every((item) => /^[a-z0-9.*-]{1,253}$/.test(item)),
    "use names of Kubernetes, with * for any characters; separate several with commas",
  );

const kubernetes = z
  .object({
    method: z.literal("kubernetes"),
    kubernetesHost: z.string().max(1024).optional(),
    caCertificate: z.string().max(10_240).default(""),
    tokenReviewerJwt: z.string().max(8192).nullish(),
    tokenReviewMode: z.enum(["api", "gateway"]).default("api"),
    gatewayId: z.string().max(64).nullish(),
    gatewayPoolId: z.string().max(64).nullish(),
    allowedNamespaces: patterns,
    allowedNames: patterns,
    allowedAudience: z.string().max(255).default(""),
    verifyTlsCertificate: z.boolean().default(true),
  })
  .refine(
    ({ allowedNamespaces, allowedNames }) => splitList(`${allowedNamespaces},${allowedNames}`).length > 0,
    "allow at least one namespace or name",
  );

export const authMethodRequest = z
  .discriminatedUnion("method", [z.object({ method: z.literal("token") }), aws, kubernetes])
  .openapi("AuthMethodRequest");

/** @throws SallyportError REQUEST_INVALID */
export function toWish(request: z.infer<typeof authMethodRequest>): AuthMethodWish {
  if (request.method !== "kubernetes") return request;
  const { tokenReviewMode, gatewayId, gatewayPoolId, kubernetesHost, tokenReviewerJwt, ...settings } =
    request;
  // A platform that went there directly all the same would send the reviewer's token where it was not meant to go.
  if (tokenReviewMode === "gateway" || gatewayId || gatewayPoolId) {
    throw new SallyportError(
      "REQUEST_INVALID",
      "Reviews by or through a gateway are not supported: use the mode api, with an address of the cluster's API that the platform reaches.",
    );
  }
  const host = normaliseKubernetesHost(kubernetesHost ?? "");
  if (host === undefined) {
    throw new SallyportError("REQUEST_INVALID", "Give the cluster's API as https://host[:port].");
  }
  // Null and empty take a stored one away.
  const reviewer = tokenReviewerJwt === null ? "" : tokenReviewerJwt?.trim();
  return { ...settings, kubernetesHost: host, tokenReviewerJwt: reviewer };
}

export const authMethod = z
  .object({
    id: z.string(),
    method: z.string(),
    createdAt: time,
    updatedAt: time,
    stsEndpoint: z.string().optional(),
    allowedPrincipalArns: z.string().optional(),
    allowedAccountIds: z.string().optional(),
    requireAudience: z.boolean().optional(),
    kubernetesHost: z.string().optional(),
    caCertificate: z.string().optional(),
    hasTokenReviewerJwt: z.boolean().optional(),
    tokenReviewMode: z.literal("api").optional(),
    allowedNamespaces: z.string().optional(),
    allowedNames: z.string().optional(),
    allowedAudience: z.string().optional(),
    verifyTlsCertificate: z.boolean().optional(),
    config: z
      .object({ identityId: z.string(), identityName: z.string() })
      .optional()
      .openapi({ description: "Which machine identity it runs as; with the method identity only" }),
  })
  .openapi("AuthMethod");

/** What a gateway's and a relay's view hold of it. */
export interface AuthMethodColumns {
  auth_method_id: string;
  auth_method: string;
  auth_method_created_at: string | null;
  auth_method_updated_at: string | null;
  auth_settings: string | null;
  has_reviewer_jwt: number | null;
  identity_id: string | null;
  identity_name: string | null;
}

export function toAuthMethod(row: AuthMethodColumns): z.infer<typeof authMethod> {
  const configured = readSettings(row.auth_method, row.auth_settings);
  return {
    id: row.auth_method_id,
    method: row.auth_method,
    createdAt: row.auth_method_created_at,
    updatedAt: row.auth_method_updated_at,
    ...configured?.settings,
    ...(configured?.method === "kubernetes" && {
      tokenReviewMode: "api" as const,
      hasTokenReviewerJwt: row.has_reviewer_jwt === 1,
    }),
    ...(row.auth_method === "identity" &&
      row.identity_id !== null &&
      row.identity_name !== null && {
        config: { identityId: row.identity_id, identityName: row.identity_name },
      }),
  };
}
