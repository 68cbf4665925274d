import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import {
  countSecrets,
  deleteSecret,
  type IdentitySecretRow,
  insertSecret,
  listSecrets,
} from "../../store/identity-secrets.ts";
import { lockOrganisation } from "../../store/people.ts";
import { endAccess } from "../access/access-end.ts";
import { byHolder, type Holder, nameHolder } from "../actors.ts";
import { type Core, LIMITS } from "../core.ts";
import { holdersChanged } from "../events/holders-changed.ts";
import { mintOpaqueToken } from "../login/opaque-tokens.ts";
import { requireReachOver } from "../people/role-reach.ts";
import { getIdentity } from "./identities.ts";
import { cutAgents } from "./identity-agents.ts";

export interface NewSecret {
  description: string;
  /** Seconds; 0 = until it is revoked. */
  ttl: number;
  /** 0 = as often as wanted. */
  numUsesLimit: number;
}

/**
 * A secret for a machine identity to log in with; only its hash is kept. Whoever has it can do what the identity may, so
 * the caller must be allowed all of that too.
 * @throws SallyportError NOT_FOUND, LIMIT_REACHED, FORBIDDEN
 */
export async function createSecret(
  core: Core,
  holder: Holder,
  idOrName: string,
  request: NewSecret,
): Promise<{ clientSecret: string; secret: IdentitySecretRow; clientId: string }> {
  const identity = await getIdentity(core, holder, idOrName);
  const token = mintOpaqueToken("spi_");
  const id = crypto.randomUUID();
  const rows = await core.store.transaction(async (sql) => {
    const time = core.now();
    const now = time.toISOString();
    await lockOrganisation(sql, holder.orgId, now);
    await requireReachOver(sql, holder, identity.role);
    if ((await countSecrets(sql, identity.id)) >= LIMITS.secrets) {
      throw new SallyportError(
        "LIMIT_REACHED",
        `A machine identity can have ${LIMITS.secrets} secrets: revoke one first.`,
      );
    }
    const { ttl, numUsesLimit, description } = request;
    await insertSecret(sql, {
      id,
      identityId: identity.id,
      secretHash: token.hash,
      description,
      hint: token.plain.slice(0, 8),
      usesLimit: numUsesLimit === 0 ? null : numUsesLimit,
      expiresAt: ttl === 0 ? null : new Date(time.getTime() + ttl * 1000).toISOString(),
      createdBy: nameHolder(holder).id,
      now,
    });
    const detail = { identityId: identity.id, name: identity.name, secretId: id, ttl, numUsesLimit };
    await insertAudit(sql, { ...byHolder(holder), event: "IDENTITY_SECRET_CREATE", detail }, now);
    return await listSecrets(sql, identity.id);
  });
  const secret = rows.find((row) => row.id === id);
  if (!secret) throw new SallyportError("INTERNAL", "The secret was not kept.");
  return { clientSecret: token.plain, secret, clientId: identity.client_id };
}

/** @throws SallyportError NOT_FOUND */
export async function listIdentitySecrets(
  core: Core,
  holder: Holder,
  idOrName: string,
): Promise<IdentitySecretRow[]> {
  const identity = await getIdentity(core, holder, idOrName);
  return await listSecrets(core.store.read, identity.id);
}

/**
 * The secret and every access token that it gave are worthless at once; what was opened with them is cut, also the
 * tunnels of a gateway that logged in with it. @throws SallyportError NOT_FOUND
 */
export async function revokeSecret(
  core: Core,
  holder: Holder,
  idOrName: string,
  secretId: string,
): Promise<IdentitySecretRow> {
  const identity = await getIdentity(core, holder, idOrName);
  const { orgId } = holder;
  return await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    const secret = (await listSecrets(sql, identity.id)).find((row) => row.id === secretId) ?? missing();
    if (!(await deleteSecret(sql, identity.id, secretId))) missing();
    const detail = { identityId: identity.id, name: identity.name, secretId };
    await insertAudit(sql, { ...byHolder(holder), event: "IDENTITY_SECRET_REVOKE", detail }, now);
    await cutAgents(sql, { orgId, identityId: identity.id, secretId }, now);
    await endAccess(sql, { orgId, identitySecretId: secretId }, now);
    await holdersChanged(sql, orgId, now);
    return secret;
  });
}

function missing(): never {
  throw new SallyportError("NOT_FOUND", "There is no such secret of this machine identity.");
}
