import { describe } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import { deleteOverdueGrant, listOverdueGrants } from "../../store/grants.ts";
import type { Core } from "../core.ts";
import { endAccess } from "./access-end.ts";

const SWEEP_MS = 500;

/** Takes grants away whose time is over and ends what they opened, on whichever replica is first. */
export function startGrantSweep(core: Core): { close(): void } {
  let busy = false;
  const sweep = async () => {
    if (busy) return;
    busy = true;
    await endOverdueGrants(core)
      .catch((error: unknown) =>
        core.log.warn("Could not end grants; tried again", { reason: describe(error) }),
      )
      .finally(() => {
        busy = false;
      });
  };
  const timer = setInterval(() => void sweep(), SWEEP_MS);
  return { close: () => clearInterval(timer) };
}

/** One round. */
export async function endOverdueGrants(core: Core): Promise<void> {
  const now = core.now().toISOString();
  for (const { id, org_id: orgId, resource_id: resourceId } of await listOverdueGrants(
    core.store.read,
    now,
  )) {
    await core.store.transaction(async (sql) => {
      if (!(await deleteOverdueGrant(sql, id, now))) return;
      const actor = { type: "instance", id: null, name: null } as const;
      const detail = { grantId: id, resourceId };
      await insertAudit(sql, { orgId, actor, address: null, event: "RESOURCE_GRANT_ENDED", detail }, now);
      await endAccess(sql, { orgId, grantId: id }, now);
    });
  }
}
