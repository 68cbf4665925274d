import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import {
  findIdentityByClientId,
  findIdentityHolder,
  type IdentityRow,
  noteLogin,
} from "../../store/identities.ts";
import {
  findSecret,
  type IdentitySecretRow,
  isSecretCurrent,
  useSecret,
} from "../../store/identity-secrets.ts";
import type { Core } from "../core.ts";
import type { IdentityClaims } from "../login/access-tokens.ts";
import type { FailureLimiter } from "../login/failure-limiter.ts";
import { hashOpaqueToken } from "../login/opaque-tokens.ts";

/** PROTOCOL 0.5, in Infisical's words; whole seconds. */
export interface IdentityToken {
  accessToken: string;
  expiresIn: number;
  accessTokenMaxTTL: number;
  tokenType: "Bearer";
}

/** One answer for an unknown client id and a wrong secret. */
const INVALID = "Invalid credentials: check the client id and the client secret.";

/**
 * An access token for a machine identity that knows one of its secrets. A secret gives as many as it has uses, however
 * many logins come at once. Failures are limited by address and client id; those of a known identity are audited.
 * @throws SallyportError UNAUTHENTICATED, RATE_LIMITED
 */
export async function logInIdentity(
  core: Core,
  limiter: FailureLimiter,
  request: { clientId: string; clientSecret: string; address: string },
): Promise<IdentityToken> {
  const { address } = request;
  const identity = await findIdentityByClientId(core.store.read, request.clientId);
  if (!identity) throw limiter.failed(address, "unknown identity", refuse(INVALID));
  const secret = await findSecret(core.store.read, identity.id, hashOpaqueToken(request.clientSecret));
  if (secret && (await spend(core, identity, secret, address))) {
    return await tokenOf(core, identity, { clientSecretId: secret.id, since: seconds(core.now()) });
  }
  const reason = secret ? whyNot(secret, core.now()) : INVALID;
  const failure = limiter.failed(address, identity.id, refuse(reason));
  if (failure.code !== "RATE_LIMITED") await auditFailure(core, identity, address, reason);
  throw failure;
}

/**
 * A newer token for the same login, until the identity's longest time from that login is over. The secret behind it has
 * to be there still, and not expired; used up it may be.
 * @throws SallyportError UNAUTHENTICATED, RATE_LIMITED
 */
export async function renewIdentityToken(
  core: Core,
  limiter: FailureLimiter,
  request: { accessToken: string; address: string },
): Promise<IdentityToken> {
  const claims = await core.accessTokens.verify(request.accessToken);
  const renewed = claims?.authTokenType === "identityAccessToken" ? await renew(core, claims) : undefined;
  if (renewed) return renewed;
  const failure = refuse("The access token is expired or revoked: log in with the client id and secret.");
  throw limiter.failed(request.address, "identity token", failure);
}

async function renew(core: Core, claims: IdentityClaims): Promise<IdentityToken | undefined> {
  const { identityId, clientSecretId, auth_time: since } = claims;
  const now = core.now().toISOString();
  const { read } = core.store;
  if (!(await isSecretCurrent(read, { id: clientSecretId, identityId }, now))) return undefined;
  const identity = await findIdentityHolder(read, { identityId, secretId: clientSecretId });
  if (!identity || since + identity.access_token_max_ttl <= seconds(core.now())) return undefined;
  return await tokenOf(core, identity, { clientSecretId, since, tokenId: claims.identityAccessTokenId });
}

async function spend(
  core: Core,
  identity: IdentityRow,
  secret: IdentitySecretRow,
  address: string,
): Promise<boolean> {
  return await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    if (!(await useSecret(sql, secret.id, now))) return false;
    await noteLogin(sql, identity.id, now);
    const detail = { secretId: secret.id };
    await insertAudit(sql, { ...byIdentity(identity, address), event: "IDENTITY_LOGIN", detail }, now);
    return true;
  });
}

async function tokenOf(
  core: Core,
  identity: Pick<IdentityRow, "id" | "access_token_ttl" | "access_token_max_ttl">,
  login: { clientSecretId: string; since: number; tokenId?: string },
): Promise<IdentityToken> {
  const now = seconds(core.now());
  const end = Math.min(now + identity.access_token_ttl, login.since + identity.access_token_max_ttl);
  const accessToken = await core.accessTokens.mint({
    authTokenType: "identityAccessToken",
    identityId: identity.id,
    clientSecretId: login.clientSecretId,
    identityAccessTokenId: login.tokenId ?? crypto.randomUUID(),
    auth_time: login.since,
    exp: end,
  });
  return {
    accessToken,
    expiresIn: end - now,
    accessTokenMaxTTL: identity.access_token_max_ttl,
    tokenType: "Bearer",
  };
}

async function auditFailure(
  core: Core,
  identity: IdentityRow,
  address: string,
  reason: string,
): Promise<void> {
  const entry = {
    ...byIdentity(identity, address),
    event: "IDENTITY_LOGIN_FAILED",
    detail: { reason },
  } as const;
  await core.store.transaction((sql) => insertAudit(sql, entry, core.now().toISOString()));
}

function byIdentity({ id, name, org_id: orgId }: IdentityRow, address: string) {
  return { orgId, actor: { type: "identity", id, name }, address } as const;
}

/** Only whoever knows the secret hears this. */
function whyNot(secret: IdentitySecretRow, now: Date): string {
  return secret.expires_at !== null && secret.expires_at <= now.toISOString()
    ? "The client secret has expired: create another one."
    : "The client secret has been used as often as it may be: create another one.";
}

function refuse(reason: string): SallyportError {
  return new SallyportError("UNAUTHENTICATED", reason);
}

function seconds(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}
