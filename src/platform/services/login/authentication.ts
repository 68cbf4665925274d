import { createHash, timingSafeEqual } from "node:crypto";
import { findTokenOwner } from "../../store/api-tokens.ts";
import { findGateway } from "../../store/gateways.ts";
import { findIdentityHolder } from "../../store/identities.ts";
import { findRelay } from "../../store/relays.ts";
import type { Actor } from "../actors.ts";
import type { Core } from "../core.ts";
import { rightsOf } from "../people/rights.ts";
import type { IdentityClaims } from "./access-tokens.ts";
import { hashOpaqueToken } from "./opaque-tokens.ts";

/** Longer than any token of ours. */
const TOKEN_LIMIT = 4096;

/**
 * Who holds this bearer token, looked up in the database on every request: a revocation counts at once, on every
 * replica. Undefined = nobody, for whatever reason.
 */
export async function actorOf(core: Core, token: string, address: string): Promise<Actor | undefined> {
  if (token.length > TOKEN_LIMIT) return undefined;
  if (token.startsWith("spt_")) return await person(core, token, address);
  const claims = await core.accessTokens.verify(token);
  if (!claims) return undefined;
  if (claims.authTokenType === "identityAccessToken") return await identity(core, claims, address);
  const { tokenVersion } = claims;
  if (claims.authTokenType === "gatewayAccessToken") {
    const { gatewayId, orgId } = claims;
    const row = await findGateway(core.store.read, gatewayId);
    if (row?.org_id !== orgId || row.token_version !== tokenVersion) return undefined;
    return { kind: "gateway", gatewayId, orgId, tokenVersion, address };
  }
  const { relayId, orgId } = claims;
  const row = await findRelay(core.store.read, relayId);
  if (!row || row.org_id !== orgId || row.token_version !== tokenVersion) return undefined;
  return { kind: "relay", relayId, orgId, tokenVersion, address };
}

/** Whether this is the secret of instance relays; never when none is set. Constant time. */
export function isRelayAuthSecret(core: Core, given: string): boolean {
  if (core.relayAuthSecret === undefined) return false;
  return timingSafeEqual(digest(given), digest(core.relayAuthSecret));
}

async function person(core: Core, token: string, address: string): Promise<Actor | undefined> {
  const owner = await findTokenOwner(core.store.read, hashOpaqueToken(token));
  if (!owner) return undefined;
  if (owner.expires_at !== null && owner.expires_at <= core.now().toISOString()) return undefined;
  core.tokenUses.note({ id: owner.token_id, before: owner.last_used_at });
  return {
    kind: "person",
    userId: owner.user_id,
    email: owner.email,
    instanceAdmin: owner.instance_admin === 1,
    orgId: owner.org_id,
    role: owner.role,
    rights: rightsOf(owner.role, owner.rights),
    orgName: owner.org_name,
    tokenId: owner.token_id,
    tokenKind: owner.kind,
    tokenExpiresAt: owner.expires_at,
    address,
  };
}

async function identity(core: Core, claims: IdentityClaims, address: string): Promise<Actor | undefined> {
  const { identityId, clientSecretId: secretId } = claims;
  const row = await findIdentityHolder(core.store.read, { identityId, secretId });
  if (!row) return undefined;
  return {
    kind: "identity",
    identityId,
    secretId,
    name: row.name,
    orgId: row.org_id,
    orgName: row.org_name,
    role: row.role,
    rights: rightsOf(row.role, row.rights),
    address,
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
