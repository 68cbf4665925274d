import { markGatewaysOfRelayDue } from "../../store/health.ts";
import { hasOverdueLease, takeLostLeases } from "../../store/relay-tunnels.ts";
import type { Core } from "../core.ts";
import { recordHealth } from "./record.ts";

/**
 * Notices relays whose reports have stopped: they and their gateways are not healthy any more, and are looked for. One
 * round, each relay for one replica only. @returns the relays
 */
export async function endLostLeases(core: Core): Promise<string[]> {
  const now = core.now();
  const at = now.toISOString();
  if (!(await hasOverdueLease(core.store.read, at))) return [];
  return await core.store.transaction(async (sql) => {
    const lost = (await takeLostLeases(sql, at)).map(({ relay_id: relayId }) => relayId);
    for (const relayId of lost) await markGatewaysOfRelayDue(sql, relayId, at);
    await recordHealth(
      sql,
      lost.map((relayId) => ({ relayId })),
      now,
    );
    return lost;
  });
}
