import { SallyportError } from "../../../telemetry/error.ts";
import type { Sql } from "../../store/database.ts";
import { findRole } from "../../store/roles.ts";
import type { Holder } from "../actors.ts";
import { heldRights } from "./held-rights.ts";
import { isBuiltInRole, type Rights, rightsOf } from "./rights.ts";

/** A built-in role's id is its name. */
export interface Role {
  id: string;
  name: string;
  rights: Rights;
}

/** By id or name. @throws SallyportError NOT_FOUND */
export async function requireRole(sql: Sql, orgId: string, idOrName: string): Promise<Role> {
  if (isBuiltInRole(idOrName)) return { id: idOrName, name: idOrName, rights: rightsOf(idOrName, null) };
  const row = await findRole(sql, orgId, idOrName);
  if (row) return { id: row.id, name: row.name, rights: rightsOf(row.id, row.rights) };
  throw new SallyportError("NOT_FOUND", "There is no such role: use admin, member, no-access or your own.");
}

/**
 * A role that the caller may give: nobody gives a right that they do not have, for they could then act through whoever
 * has it.
 * @throws SallyportError NOT_FOUND, FORBIDDEN
 */
export async function requireGivableRole(sql: Sql, holder: Holder, idOrName: string): Promise<Role> {
  const role = await requireRole(sql, holder.orgId, idOrName);
  await requireWithin(sql, holder, role.rights);
  return role;
}

/**
 * What somebody has who is to be changed, if the caller may do as much.
 * @param role a built-in role's name or the id of one of the organisation's own
 * @throws SallyportError FORBIDDEN
 */
export async function requireReachOver(sql: Sql, holder: Holder, role: string): Promise<Role> {
  const found = await requireRole(sql, holder.orgId, role);
  await requireWithin(sql, holder, found.rights);
  return found;
}

/**
 * The same for rights that are there already: nobody changes or removes who may do more. What counts is what the caller
 * may do now, in the transaction that makes use of it. @throws SallyportError FORBIDDEN
 */
export async function requireWithin(sql: Sql, holder: Holder, rights: Rights): Promise<void> {
  const [more] = rights.difference(await heldRights(sql, holder));
  if (more === undefined) return;
  throw new SallyportError(
    "FORBIDDEN",
    `This is about the right ${more}, which you do not have yourself: ask an administrator of ${holder.orgName}.`,
  );
}
