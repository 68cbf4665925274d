import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import type { Sql } from "../../store/database.ts";
import { lockOrganisation } from "../../store/people.ts";
import {
  countRoleUses,
  deleteRole,
  insertRole,
  listRoleHolders,
  listRoles,
  updateRole,
} from "../../store/roles.ts";
import { endLostAccess } from "../access/lost-access.ts";
import { byHolder, type Holder } from "../actors.ts";
import { type Core, LIMITS } from "../core.ts";
import { BUILT_IN_ROLES, isBuiltInRole, type Right, rightsOf } from "./rights.ts";
import { type Role, requireRole, requireWithin } from "./role-reach.ts";

/** The built-in ones first. */
export async function listOwnRoles(core: Core, holder: Holder): Promise<Role[]> {
  const rows = await listRoles(core.store.read, holder.orgId);
  return [
    ...BUILT_IN_ROLES.map((name) => ({ id: name, name, rights: rightsOf(name, null) })),
    ...rows.map(({ id, name, rights }) => ({ id, name, rights: rightsOf(id, rights) })),
  ];
}

/** @throws SallyportError NOT_FOUND, also for another organisation's */
export async function getRole(core: Core, holder: Holder, idOrName: string): Promise<Role> {
  return await requireRole(core.store.read, holder.orgId, idOrName);
}

/** @throws SallyportError FORBIDDEN for a right that the caller has not, ALREADY_EXISTS, LIMIT_REACHED */
export async function createRole(
  core: Core,
  holder: Holder,
  request: { name: string; rights: Right[] },
): Promise<Role> {
  const role = { id: crypto.randomUUID(), name: request.name, rights: new Set(request.rights) };
  const { orgId } = holder;
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, orgId, now);
    await requireWithin(sql, holder, role.rights);
    const roles = await listRoles(sql, orgId);
    if (roles.length >= LIMITS.roles) {
      throw new SallyportError("LIMIT_REACHED", `An organisation can have ${LIMITS.roles} roles of its own.`);
    }
    if (!(await insertRole(sql, { id: role.id, orgId, name: role.name, rights: stored(role), now }))) {
      throw taken(role.name);
    }
    await insertAudit(sql, { ...byHolder(holder), event: "ROLE_CREATE", detail: about(role) }, now);
  });
  return role;
}

/**
 * Counts for everybody who has the role from their next request on; what a right that is gone had opened is cut.
 * @throws SallyportError NOT_FOUND, REQUEST_REFUSED, ALREADY_EXISTS, FORBIDDEN for a right that the caller has not, be
 * it in the role as it was or as it is to be
 */
export async function changeRole(
  core: Core,
  holder: Holder,
  idOrName: string,
  change: { name?: string | undefined; rights?: Right[] | undefined },
): Promise<Role> {
  const { orgId } = holder;
  return await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, orgId, now);
    const before = await requireOwnRole(sql, orgId, idOrName);
    const rights = change.rights === undefined ? before.rights : new Set(change.rights);
    const role = { id: before.id, name: change.name ?? before.name, rights };
    await requireWithin(sql, holder, before.rights.union(rights));
    const others = await listRoles(sql, orgId);
    if (others.some(({ id, name }) => name === role.name && id !== role.id)) throw taken(role.name);
    await updateRole(sql, { id: role.id, name: role.name, rights: stored(role), now });
    const detail = { ...about(role), before: names(before) };
    await insertAudit(sql, { ...byHolder(holder), event: "ROLE_UPDATE", detail }, now);
    const holderIds = await listRoleHolders(sql, orgId, role.id);
    await endLostAccess(sql, { orgId, holderIds }, { before: before.rights, after: rights }, now);
    return role;
  });
}

/** @throws SallyportError NOT_FOUND, FORBIDDEN, REQUEST_REFUSED while somebody has it */
export async function removeRole(core: Core, holder: Holder, idOrName: string): Promise<Role> {
  const { orgId } = holder;
  return await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, orgId, now);
    const role = await requireOwnRole(sql, orgId, idOrName);
    await requireWithin(sql, holder, role.rights);
    const uses = await countRoleUses(sql, orgId, role.id);
    if (uses > 0) {
      throw new SallyportError(
        "REQUEST_REFUSED",
        `The role ${role.name} is given to ${uses} (people, machine identities or invitations): give them another first.`,
      );
    }
    await deleteRole(sql, role.id);
    await insertAudit(sql, { ...byHolder(holder), event: "ROLE_DELETE", detail: about(role) }, now);
    return role;
  });
}

async function requireOwnRole(sql: Sql, orgId: string, idOrName: string): Promise<Role> {
  if (!isBuiltInRole(idOrName)) return await requireRole(sql, orgId, idOrName);
  throw new SallyportError(
    "REQUEST_REFUSED",
    `The role ${idOrName} is built in and stays as it is: create a role of your own.`,
  );
}

function about(role: Role) {
  return { roleId: role.id, name: role.name, rights: names(role) };
}

function names({ rights }: Role): string {
  return [...rights].join(" ");
}

function stored({ rights }: Role): string {
  return JSON.stringify([...rights]);
}

function taken(name: string): SallyportError {
  return new SallyportError("ALREADY_EXISTS", `There is a role named ${name} already: choose another name.`);
}
