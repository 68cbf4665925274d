import { SallyportError } from "../../telemetry/error.ts";
import type { Sql } from "../store/database.ts";
import { findOwnRole } from "../store/identities.ts";
import type { Holder } from "./actors.ts";
import { isBuiltInRole, type Rights, rightsOf } from "./rights.ts";

/**
 * What to store for a role that goes by its name or id, if the caller may give it: nobody makes a machine identity that
 * may do more than they may themselves, for they could then act through it.
 * @throws SallyportError NOT_FOUND, FORBIDDEN
 */
export async function requireGivableRole(sql: Sql, holder: Holder, named: string): Promise<string> {
  const own = isBuiltInRole(named) ? undefined : await findOwnRole(sql, holder.orgId, named);
  if (!own && !isBuiltInRole(named)) {
    throw new SallyportError("NOT_FOUND", "There is no such role: use admin, member, no-access or your own.");
  }
  const role = own?.id ?? named;
  requireWithin(holder, rightsOf(role, own?.rights ?? null));
  return role;
}

/** The same for the role that an identity has; one that was deleted since allows nothing. @throws SallyportError FORBIDDEN */
export async function requireReachOver(sql: Sql, holder: Holder, role: string): Promise<void> {
  const own = isBuiltInRole(role) ? undefined : await findOwnRole(sql, holder.orgId, role);
  requireWithin(holder, rightsOf(role, own?.rights ?? null));
}

function requireWithin(holder: Holder, rights: Rights): void {
  const [more] = rights.difference(holder.rights);
  if (more === undefined) return;
  throw new SallyportError(
    "FORBIDDEN",
    `This machine identity may do what you may not (${more}): ask somebody who may.`,
  );
}
