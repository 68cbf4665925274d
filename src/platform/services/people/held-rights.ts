import type { Sql } from "../../store/database.ts";
import { holdIdentityRole, holdMemberRole, holdRoleRights } from "../../store/roles.ts";
import type { Holder } from "../actors.ts";
import { isBuiltInRole, NO_RIGHTS, type Right, type Rights, requireRight, rightsOf } from "./rights.ts";

/**
 * Asks again for a right inside the transaction that uses it, and holds it until the end: whoever takes it away
 * meanwhile waits, and finds what it has opened; whoever was first wins.
 * @throws SallyportError FORBIDDEN
 */
export async function holdRight(sql: Sql, holder: Holder, right: Right): Promise<void> {
  requireRight({ rights: await heldRights(sql, holder), orgName: holder.orgName }, right);
}

/** What somebody may do now, held likewise: their token may have been looked at before somebody took it away. */
export async function heldRights(sql: Sql, holder: Holder): Promise<Rights> {
  const role =
    holder.kind === "person"
      ? await holdMemberRole(sql, holder.orgId, holder.userId)
      : await holdIdentityRole(sql, holder.orgId, holder.identityId);
  return await rightsOfRole(sql, role);
}

/**
 * The same of whoever has this id: they made a link some time ago, and it is worth no more than what they may do when it
 * is used. Nothing for somebody who does not belong to the organisation any more.
 */
export async function rightsNow(sql: Sql, orgId: string, holderId: string): Promise<Rights> {
  const role = (await holdMemberRole(sql, orgId, holderId)) ?? (await holdIdentityRole(sql, orgId, holderId));
  return await rightsOfRole(sql, role);
}

async function rightsOfRole(sql: Sql, role: string | undefined): Promise<Rights> {
  if (role === undefined) return NO_RIGHTS;
  return rightsOf(role, isBuiltInRole(role) ? null : await holdRoleRights(sql, role));
}
