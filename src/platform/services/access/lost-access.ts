import type { Sql } from "../../store/database.ts";
import { holdersChanged } from "../events/holders-changed.ts";
import type { Rights } from "../people/rights.ts";
import { endAccess } from "./access-end.ts";

/**
 * Ends what people or machine identities have open that another role would not let them open again, their event streams
 * included. Goes last in the transaction that gives them the role.
 */
export async function endLostAccess(
  sql: Sql,
  whose: { orgId: string; holderIds: string[] },
  { before, after }: { before: Rights; after: Rights },
  now: string,
): Promise<void> {
  const lost = before.difference(after);
  const all = lost.has("connect-resources");
  const { orgId, holderIds } = whose;
  if (all || lost.has("connect-all-resources") || lost.has("connect-gateways")) {
    // Which right opened a connection without a grant is not known any more: both kinds are cut, and one may come back.
    for (const holderId of holderIds) await endAccess(sql, { orgId, holderId, withoutGrant: !all }, now);
  }
  if (before.symmetricDifference(after).size > 0) await holdersChanged(sql, orgId, now);
}
