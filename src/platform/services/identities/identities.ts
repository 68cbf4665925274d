import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import {
  countIdentities,
  deleteIdentity,
  type IdentityView,
  insertIdentity,
  listIdentityViews,
  updateIdentity,
} from "../../store/identities.ts";
import { lockOrganisation } from "../../store/people.ts";
import { endAccess } from "../access/access-end.ts";
import { endLostAccess } from "../access/lost-access.ts";
import { byHolder, type Holder, nameHolder } from "../actors.ts";
import { type Core, LIMITS } from "../core.ts";
import { holdersChanged } from "../events/holders-changed.ts";
import { requireGivableRole, requireReachOver } from "../people/role-reach.ts";
import { cutAgents } from "./identity-agents.ts";

export interface IdentitySettings {
  name: string;
  /** A built-in role, or the name or id of one of the organisation's own. */
  role: string;
  /** Seconds. */
  accessTokenTTL: number;
  /** Seconds from a login. */
  accessTokenMaxTTL: number;
}

/** @throws SallyportError ALREADY_EXISTS, LIMIT_REACHED, FORBIDDEN when the role allows more than the caller may */
export async function createIdentity(
  core: Core,
  holder: Holder,
  settings: IdentitySettings,
): Promise<IdentityView> {
  requireTimes(settings);
  const id = crypto.randomUUID();
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, holder.orgId, now);
    if ((await countIdentities(sql, holder.orgId)) >= LIMITS.identities) {
      throw new SallyportError(
        "LIMIT_REACHED",
        `An organisation can have ${LIMITS.identities} machine identities: delete one first.`,
      );
    }
    const role = await requireGivableRole(sql, holder, settings.role);
    const made = await insertIdentity(sql, {
      id,
      orgId: holder.orgId,
      name: settings.name,
      role: role.id,
      clientId: crypto.randomUUID(),
      ttlSeconds: settings.accessTokenTTL,
      maxTtlSeconds: settings.accessTokenMaxTTL,
      createdBy: nameHolder(holder).id,
      now,
    });
    if (!made) throw taken(settings.name);
    const detail = { identityId: id, name: settings.name, role: role.name };
    await insertAudit(sql, { ...byHolder(holder), event: "IDENTITY_CREATE", detail }, now);
  });
  return await getIdentity(core, holder, id);
}

export async function listIdentities(core: Core, holder: Holder): Promise<IdentityView[]> {
  return await listIdentityViews(core.store.read, holder.orgId, null);
}

/** By id or name. @throws SallyportError NOT_FOUND, also for another organisation's */
export async function getIdentity(core: Core, holder: Holder, idOrName: string): Promise<IdentityView> {
  const [identity] = await listIdentityViews(core.store.read, holder.orgId, idOrName);
  return identity ?? missing();
}

/**
 * A new role counts from the next request on; what only the old one let it open is cut.
 * @throws SallyportError NOT_FOUND, ALREADY_EXISTS, FORBIDDEN
 */
export async function changeIdentity(
  core: Core,
  holder: Holder,
  idOrName: string,
  change: { [K in keyof IdentitySettings]?: IdentitySettings[K] | undefined },
): Promise<IdentityView> {
  const { id } = await getIdentity(core, holder, idOrName);
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, holder.orgId, now);
    const before = (await listIdentityViews(sql, holder.orgId, id))[0] ?? missing();
    const had = await requireReachOver(sql, holder, before.role);
    const has = change.role === undefined ? had : await requireGivableRole(sql, holder, change.role);
    const settings = {
      name: change.name ?? before.name,
      role: has.id,
      accessTokenTTL: change.accessTokenTTL ?? before.access_token_ttl,
      accessTokenMaxTTL: change.accessTokenMaxTTL ?? before.access_token_max_ttl,
    };
    requireTimes(settings);
    const others = await listIdentityViews(sql, holder.orgId, settings.name);
    if (others.some((other) => other.name === settings.name && other.id !== id)) throw taken(settings.name);
    const { name, role, accessTokenTTL: ttlSeconds, accessTokenMaxTTL: maxTtlSeconds } = settings;
    await updateIdentity(sql, { id, name, role, ttlSeconds, maxTtlSeconds, now });
    const detail = { identityId: id, ...settings, role: has.name };
    await insertAudit(sql, { ...byHolder(holder), event: "IDENTITY_UPDATE", detail }, now);
    const whose = { orgId: holder.orgId, holderIds: [id] };
    await endLostAccess(sql, whose, { before: had.rights, after: has.rights }, now);
  });
  return await getIdentity(core, holder, id);
}

/**
 * Its secrets, tokens and grants are worthless at once, what it has open is cut, and so is the gateway or relay that
 * runs as it: that one stays, to be enrolled by a token.
 * @throws SallyportError NOT_FOUND, FORBIDDEN when it may do more than the caller
 */
export async function removeIdentity(core: Core, holder: Holder, idOrName: string): Promise<IdentityView> {
  const identity = await getIdentity(core, holder, idOrName);
  const { id: identityId, name } = identity;
  const { orgId } = holder;
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, orgId, now);
    const [before] = await listIdentityViews(sql, orgId, identityId);
    await requireReachOver(sql, holder, (before ?? missing()).role);
    if (!(await deleteIdentity(sql, orgId, identityId))) missing();
    const detail = { identityId, name };
    await insertAudit(sql, { ...byHolder(holder), event: "IDENTITY_DELETE", detail }, now);
    await cutAgents(sql, { orgId, identityId }, now);
    await endAccess(sql, { orgId, holderId: identityId }, now);
    await holdersChanged(sql, orgId, now);
  });
  return identity;
}

function requireTimes({ accessTokenTTL, accessTokenMaxTTL }: IdentitySettings): void {
  if (accessTokenTTL <= accessTokenMaxTTL) return;
  throw new SallyportError("REQUEST_INVALID", "accessTokenTTL can't be longer than accessTokenMaxTTL.");
}

function taken(name: string): SallyportError {
  return new SallyportError(
    "ALREADY_EXISTS",
    `There is a machine identity named ${name} already: choose another name.`,
  );
}

function missing(): never {
  throw new SallyportError("NOT_FOUND", "There is no such machine identity.");
}
