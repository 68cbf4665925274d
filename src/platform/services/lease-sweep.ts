import { describe } from "../../telemetry/error.ts";
import { hasOverdueLease, listTunnelGateways, takeLostLeases } from "../store/relay-tunnels.ts";
import type { Core } from "./core.ts";
import { emitAll } from "./events.ts";
import { emitGatewayHealth } from "./health-events.ts";
import type { Probes } from "./probes.ts";

const SWEEP_MS = 1000;

/** Notices relays whose reports have stopped: their tunnels are unknown, and looked for by probes. */
export function startLeaseSweep(core: Core, probes: Probes): { close(): void } {
  let busy = false;
  const sweep = async () => {
    if (busy) return;
    busy = true;
    try {
      probes.lookInto(await endLostLeases(core));
    } catch (error) {
      core.log.warn("Could not look for silent relays; tried again", { reason: describe(error) });
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void sweep(), SWEEP_MS);
  return { close: () => clearInterval(timer) };
}

/** One round, for one replica only. @returns who is to be looked for */
export async function endLostLeases(core: Core): Promise<{ gateways: string[]; relays: string[] }> {
  const now = core.now();
  if (!(await hasOverdueLease(core.store.read, now.toISOString()))) return { gateways: [], relays: [] };
  return await core.store.transaction(async (sql) => {
    const at = now.toISOString();
    const lost = await takeLostLeases(sql, at);
    const gateways: string[] = [];
    for (const { relay_id: id } of lost) gateways.push(...(await listTunnelGateways(sql, id)));
    await emitGatewayHealth(sql, gateways, now);
    await emitAll(
      sql,
      lost.map(({ relay_id: relayId, name, org_id: orgId }) => ({
        about: { orgId, relayId },
        event: {
          type: "relay.health",
          relayId,
          status: "unknown",
          cause: { code: "RELAY_SILENT", text: `No reports come from the relay ${name} any more.` },
        },
      })),
      at,
    );
    return { gateways, relays: lost.map((relay) => relay.relay_id) };
  });
}
