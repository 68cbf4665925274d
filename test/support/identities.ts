import type { Tenant, TestPlatform } from "./platform.ts";

export interface TestIdentity {
  id: string;
  name: string;
  clientId: string;
  secretId: string;
  clientSecret: string;
}

/** A machine identity with one secret. */
export async function makeIdentity(
  platform: TestPlatform,
  tenant: Tenant,
  name: string,
  more: { role?: string; secret?: { ttl?: number; numUsesLimit?: number }; [setting: string]: unknown } = {},
): Promise<TestIdentity> {
  const { secret = {}, ...settings } = more;
  const body = { name, role: "admin", ...settings };
  const made = await platform.call("POST", "/v1/identities", { token: tenant.token, body });
  if (made.status !== 200) throw new Error(made.body.message);
  const { clientId, clientSecret, clientSecretData } = await addSecret(platform, tenant, name, secret);
  return { id: made.body.id, name, clientId, clientSecret, secretId: clientSecretData.id };
}

export async function addSecret(
  platform: TestPlatform,
  tenant: Tenant,
  name: string,
  body: { ttl?: number; numUsesLimit?: number } = {},
) {
  const path = `/v1/auth/universal-auth/identities/${name}/client-secrets`;
  return (await platform.call("POST", path, { token: tenant.token, body })).body;
}

export function universalLogin(
  platform: TestPlatform,
  { clientId, clientSecret }: Pick<TestIdentity, "clientId" | "clientSecret">,
  address?: string,
) {
  return platform.call("POST", "/v1/auth/universal-auth/login", {
    body: { clientId, clientSecret },
    ...(address !== undefined && { address }),
  });
}

/** The access token of a login that works. */
export async function identityToken(platform: TestPlatform, identity: TestIdentity): Promise<string> {
  return (await universalLogin(platform, identity)).body.accessToken;
}
