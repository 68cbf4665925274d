import { z } from "zod";
import type { AwsProof } from "../login/aws.ts";
import type { KubernetesProof } from "../login/kubernetes.ts";
import { instant, text } from "./fields.ts";

/** How a gateway or a relay proves who it is at login. */
export type TokenLogin = { method: "token"; token: string };
/** The same by what the machine is, for AWS or Kubernetes to confirm. */
export type MachineProof = AwsProof | KubernetesProof;

/** How a gateway or a relay is to log in (PROTOCOL A.3). Lists have commas. */
export type AuthMethodRequest =
  | { method: "token" }
  | {
      method: "aws";
      allowedPrincipalArns: string;
      allowedAccountIds: string;
      /** Only by what is signed for this platform (EXTENSIONS X8). */
      requireAudience: boolean;
    }
  | {
      method: "kubernetes";
      kubernetesHost: string;
      caCertificate: string;
      /** Absent = the one that is stored; empty = none. */
      tokenReviewerJwt?: string;
      allowedNamespaces: string;
      allowedNames: string;
      allowedAudience: string;
      verifyTlsCertificate: boolean;
    };

/** How a gateway or a relay logs in (PROTOCOL A.3); what other platforms show more is dropped. */
export const authMethodView = z.object({
  method: z.string().max(64),
  allowedPrincipalArns: text.optional(),
  allowedAccountIds: text.optional(),
  requireAudience: z.boolean().optional(),
  kubernetesHost: text.optional(),
  hasTokenReviewerJwt: z.boolean().optional(),
  allowedNamespaces: text.optional(),
  allowedNames: text.optional(),
  allowedAudience: text.optional(),
});
export type AuthMethodView = z.infer<typeof authMethodView>;

export const enrollmentTokenAnswer = z.object({ token: text.min(1), expiresAt: instant });
export type EnrollmentToken = z.infer<typeof enrollmentTokenAnswer>;

/** Of a revoked gateway or relay. */
export const methodAnswer = z.object({ method: text });
