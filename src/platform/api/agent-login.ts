import { z } from "@hono/zod-openapi";
import { loginByMethod, type Proof } from "../services/auth-methods/login.ts";
import { redeemEnrollmentToken } from "../services/login/enrollment.ts";
import type { ResourceKind } from "../store/auth-methods.ts";
import type { ApiServices } from "./env.ts";

/** What gateways and relays log in with (PROTOCOL A.1, A.2); where that is no token the id is the caller's to add. */

export const tokenProof = z.object({ method: z.literal("token"), token: z.string().min(1).max(512) });

export const awsProof = z.object({
  method: z.literal("aws"),
  iamHttpRequestMethod: z.string().max(16).default("POST"),
  iamRequestBody: z.string().max(1024),
  iamRequestHeaders: z.string().max(32_768),
});

export const kubernetesProof = z.object({
  method: z.literal("kubernetes"),
  jwt: z.string().min(1).max(8192),
});

export const gcpProof = z.object({ method: z.literal("gcp") });

type MachineProof = z.infer<typeof awsProof> | z.infer<typeof kubernetesProof> | z.infer<typeof gcpProof>;

interface AgentLogin {
  kind: ResourceKind;
  body: z.infer<typeof tokenProof> | (MachineProof & { id: string });
  /** Where from. */
  address: string;
}

/** @throws SallyportError ENROLLMENT_TOKEN_INVALID, UNAUTHENTICATED, RATE_LIMITED */
export async function logAgentIn(
  { core, limiter }: ApiServices,
  { kind, body, address }: AgentLogin,
): Promise<{ accessToken: string; id: string }> {
  return body.method === "token"
    ? await redeemEnrollmentToken(core, limiter, { kind, token: body.token, address })
    : await loginByMethod(core, limiter, { kind, id: body.id, proof: toProof(body), address });
}

function toProof(body: MachineProof): Proof {
  if (body.method === "aws") return { method: "aws", proof: body };
  return body.method === "kubernetes" ? { method: "kubernetes", jwt: body.jwt.trim() } : { method: "gcp" };
}
