import type { Sql } from "../../store/database.ts";
import { listMemberships } from "../../store/members.ts";
import { emit, emitAll } from "./events.ts";

const CHANGED = { type: "holders.changed" } as const;

/**
 * Has everybody who follows the events of this organisation looked at again, on every replica: tokens ended there, or
 * rights changed. Goes last in the transaction that did it.
 */
export async function holdersChanged(sql: Sql, orgId: string, now: string): Promise<void> {
  await emit(sql, { orgId }, [CHANGED], now);
}

/** The same wherever this person belongs. */
export async function personChanged(sql: Sql, userId: string, now: string): Promise<void> {
  const places = await listMemberships(sql, userId);
  const said = places.map(({ org_id: orgId }) => ({ about: { orgId }, event: CHANGED }));
  await emitAll(sql, said, now);
}
