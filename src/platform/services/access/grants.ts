import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import {
  countGrants,
  deleteGrant,
  findGrant,
  findIdentityMember,
  findMember,
  type GrantRow,
  listGrants,
  upsertGrant,
} from "../../store/grants.ts";
import { lockOrganisation } from "../../store/people.ts";
import type { ResourceRow } from "../../store/resources.ts";
import { byHolder, type Holder, nameHolder } from "../actors.ts";
import { type Core, LIMITS } from "../core.ts";
import { endAccess } from "./access-end.ts";
import { getResource } from "./resources.ts";

/** Whom a grant is for: exactly one of the four. */
export interface Grantee {
  userId?: string | undefined;
  email?: string | undefined;
  identityId?: string | undefined;
  identityName?: string | undefined;
}

/**
 * Lets a person or a machine identity of the organisation reach a resource, until `endsAt` or until it is taken back. A second grant changes
 * the end; an earlier one ends what was open at once, for it was certified with the later one.
 * @throws SallyportError NOT_FOUND, REQUEST_INVALID, LIMIT_REACHED
 */
export async function grantResource(
  core: Core,
  holder: Holder,
  idOrName: string,
  request: Grantee & { endsAt?: string | undefined },
): Promise<GrantRow> {
  const resource = await getResource(core, holder, idOrName);
  const member = await requireMember(core, holder, request);
  const endsAt = request.endsAt === undefined ? null : new Date(request.endsAt).toISOString();
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    if (endsAt !== null && endsAt <= now) {
      throw new SallyportError("REQUEST_INVALID", "endsAt is over already: give a time to come.");
    }
    await lockOrganisation(sql, holder.orgId, now);
    const before = await findGrant(sql, resource.id, member.id);
    if (!before && (await countGrants(sql, resource.id)) >= LIMITS.grants) {
      throw new SallyportError("LIMIT_REACHED", `A resource can have ${LIMITS.grants} grants.`);
    }
    const { orgId } = holder;
    const createdBy = nameHolder(holder).id;
    const id = before?.id ?? crypto.randomUUID();
    const { userId, identityId } = member;
    await upsertGrant(sql, {
      id,
      orgId,
      resourceId: resource.id,
      userId,
      identityId,
      endsAt,
      createdBy,
      now,
    });
    const detail = { ...about(resource), grantId: id, ...namesOf(member), endsAt };
    await insertAudit(sql, { ...byHolder(holder), event: "RESOURCE_GRANT", detail }, now);
    const sooner = endsAt !== null && before && (before.ends_at === null || before.ends_at > endsAt);
    if (sooner) await endAccess(sql, { orgId, grantId: id }, now);
  });
  const grant = await findGrant(core.store.read, resource.id, member.id);
  return grant ?? missing();
}

/** @throws SallyportError NOT_FOUND */
export async function listResourceGrants(core: Core, holder: Holder, idOrName: string): Promise<GrantRow[]> {
  const resource = await getResource(core, holder, idOrName);
  return await listGrants(core.store.read, resource.id);
}

/** Takes a grant back and cuts what it has opened. @throws SallyportError NOT_FOUND */
export async function ungrantResource(
  core: Core,
  holder: Holder,
  idOrName: string,
  grantee: Grantee,
): Promise<GrantRow> {
  const resource = await getResource(core, holder, idOrName);
  const member = await requireMember(core, holder, grantee);
  return await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    const grant = (await findGrant(sql, resource.id, member.id)) ?? missing();
    if (!(await deleteGrant(sql, grant.id))) missing();
    const detail = { ...about(resource), grantId: grant.id, ...namesOf(member) };
    await insertAudit(sql, { ...byHolder(holder), event: "RESOURCE_UNGRANT", detail }, now);
    await endAccess(sql, { orgId: holder.orgId, grantId: grant.id }, now);
    return grant;
  });
}

/**
 * Cuts what people have open to a resource, one person's or everybody's. Who still has a grant may ask for access again.
 * @returns how many certificates were ended
 * @throws SallyportError NOT_FOUND
 */
export async function revokeResourceAccess(
  core: Core,
  holder: Holder,
  idOrName: string,
  whose: Grantee,
): Promise<number> {
  const resource = await getResource(core, holder, idOrName);
  const everybody = Object.values(whose).every((name) => name === undefined);
  const member = everybody ? undefined : await requireMember(core, holder, whose);
  return await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    const detail = { ...about(resource), ...(member && namesOf(member)) };
    await insertAudit(sql, { ...byHolder(holder), event: "RESOURCE_ACCESS_REVOKE", detail }, now);
    const filter = { orgId: holder.orgId, resourceId: resource.id, ...(member && { holderId: member.id }) };
    return await endAccess(sql, filter, now);
  });
}

/**
 * What lets this holder reach the resource: a grant, or the right to reach every one (undefined).
 * @throws SallyportError FORBIDDEN
 */
export async function requireGrant(
  core: Core,
  holder: Holder,
  resource: ResourceRow,
): Promise<GrantRow | undefined> {
  if (holder.rights.has("connect-all-resources")) return undefined;
  const grant = await findGrant(core.store.read, resource.id, nameHolder(holder).id);
  if (grant && (grant.ends_at === null || grant.ends_at > core.now().toISOString())) return grant;
  throw new SallyportError(
    "FORBIDDEN",
    `You have no grant for ${resource.name}: ask an administrator of ${holder.orgName}.`,
  );
}

interface Member {
  id: string;
  userId: string | null;
  identityId: string | null;
  /** An e-mail address, or the identity's name. */
  name: string;
}

async function requireMember(core: Core, holder: Holder, grantee: Grantee): Promise<Member> {
  const { userId = null, email = null, identityId = null, identityName = null } = grantee;
  if ([userId, email, identityId, identityName].filter((name) => name !== null).length !== 1) {
    throw new SallyportError("REQUEST_INVALID", "Give one of userId, email, identityId and identityName.");
  }
  const { read } = core.store;
  const person = await findMember(read, holder.orgId, { userId, email });
  if (person) return { id: person.id, userId: person.id, identityId: null, name: person.email };
  const identity = await findIdentityMember(read, holder.orgId, { identityId, identityName });
  if (identity) return { id: identity.id, userId: null, identityId: identity.id, name: identity.name };
  throw new SallyportError("NOT_FOUND", "There is no such person or machine identity in this organisation.");
}

function namesOf({ userId, identityId, name }: Member) {
  return userId === null ? { identityId, identityName: name } : { userId, email: name };
}

function about(resource: ResourceRow) {
  return { resourceId: resource.id, name: resource.name };
}

function missing(): never {
  throw new SallyportError("NOT_FOUND", "There is no such grant.");
}
