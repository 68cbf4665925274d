import { z } from "zod";

/** How a gateway or a relay logs in, besides enrollment tokens, as it is stored. Lists have commas (PROTOCOL A.3). */
export const awsSettings = z.object({
  /** What a client of Infisical's sent; the region of the signature decides where AWS is asked. */
  stsEndpoint: z.string(),
  allowedPrincipalArns: z.string(),
  allowedAccountIds: z.string(),
  /** Only logins that are signed for this platform and this resource (EXTENSIONS X8). */
  requireAudience: z.boolean(),
});
export type AwsSettings = z.infer<typeof awsSettings>;

export const kubernetesSettings = z.object({
  kubernetesHost: z.string(),
  caCertificate: z.string(),
  verifyTlsCertificate: z.boolean(),
  allowedNamespaces: z.string(),
  allowedNames: z.string(),
  allowedAudience: z.string(),
});
export type KubernetesSettings = z.infer<typeof kubernetesSettings>;

/** A way to log in that is wanted. `tokenReviewerJwt`: undefined = the one that is stored, empty = none. */
export type AuthMethodWish =
  | { method: "token" }
  | ({ method: "aws" } & AwsSettings)
  | ({ method: "kubernetes"; tokenReviewerJwt: string | undefined } & KubernetesSettings);

/** A way to log in as it is shown. */
export type AuthMethodSettings =
  | { method: "aws"; settings: AwsSettings }
  | { method: "kubernetes"; settings: KubernetesSettings };

/** Undefined for methods without settings, and for what can't be read. */
export function readSettings(method: string | null, stored: string | null): AuthMethodSettings | undefined {
  if (stored === null) return undefined;
  const value: unknown = JSON.parse(stored);
  if (method === "aws") {
    const settings = awsSettings.safeParse(value).data;
    return settings && { method, settings };
  }
  if (method === "kubernetes") {
    const settings = kubernetesSettings.safeParse(value).data;
    return settings && { method, settings };
  }
  return undefined;
}
