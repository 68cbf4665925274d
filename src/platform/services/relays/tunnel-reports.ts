import type { Sql } from "../../store/database.ts";
import { listGenerationsAtRelay } from "../../store/gateways.ts";
import { ensureHealth, markGatewaysOfRelayDue } from "../../store/health.ts";
import {
  closeTunnelRow,
  forgetTunnels,
  listTunnelGateways,
  openTunnelRow,
  renewLease,
  type TunnelReport,
} from "../../store/relay-tunnels.ts";
import type { Core } from "../core.ts";
import { recordHealth } from "../health/record.ts";

export interface RelayReport {
  opened: TunnelReport[];
  closed: string[];
  /** How long this counts; 0 = the relay is about to stop. */
  leaseSeconds: number;
  /** `opened` is all there is: what was said before is forgotten. */
  complete: boolean;
}

export interface ReportAnswer {
  /** Say everything again: what is known here is out of date. */
  complete: boolean;
  /** Sessions to cut: `generation` is the least that is accepted, null = there is no such gateway. */
  refused: { gatewayId: string; generation: number | null }[];
  /** Gateways that came back, to be looked for. */
  appeared: string[];
  /** The relay itself came back: to be looked at. */
  returned: boolean;
}

/**
 * A relay says which tunnels came and went (EXTENSIONS X7). Counts for gateways only that may log in at this relay, and
 * with a credential that is still good: whatever else it holds is named to it, to be cut.
 */
export async function reportTunnels(core: Core, relayId: string, report: RelayReport): Promise<ReportAnswer> {
  const now = core.now();
  const at = now.toISOString();
  const { opened, refused } = await judge(core.store.read, relayId, report.opened, at);
  const until = new Date(now.getTime() + report.leaseSeconds * 1000).toISOString();
  return await core.store.transaction(async (sql) => {
    const isCurrent = await renewLease(sql, relayId, until, at);
    const ending = report.leaseSeconds === 0;
    const changes = opened.length + report.closed.length > 0 || report.complete || ending;
    if (isCurrent && !changes) return { complete: false, refused, appeared: [], returned: false };
    const before = new Set(await listTunnelGateways(sql, relayId));
    if (ending || report.complete || !isCurrent) await forgetTunnels(sql, relayId);
    for (const tunnel of ending ? [] : opened) await openTunnelRow(sql, relayId, tunnel, at);
    for (const gatewayId of report.closed) {
      if (!opened.some((tunnel) => tunnel.gatewayId === gatewayId)) {
        await closeTunnelRow(sql, relayId, gatewayId);
      }
    }
    const after = new Set(await listTunnelGateways(sql, relayId));
    const appeared = [...after].filter((id) => !before.has(id));
    const gone = [...before].filter((id) => !after.has(id));
    await ensureHealth(sql, { relayId }, at);
    const changed = [...appeared, ...gone];
    const told = changed.slice(0, TOLD_AT_ONCE).map((gatewayId) => ({ gatewayId }));
    // From now on its silence about a gateway means something, or does no longer.
    if (!isCurrent || ending || changed.length > told.length) await markGatewaysOfRelayDue(sql, relayId, at);
    await recordHealth(sql, [{ relayId }, ...told], now);
    const complete = !isCurrent && !report.complete && !ending;
    return { complete, refused, appeared, returned: !isCurrent && !ending };
  });
}

/** More gateways than this are told of a moment later, so that no transaction takes long. */
const TOLD_AT_ONCE = 50;

async function judge(sql: Sql, relayId: string, reported: TunnelReport[], now: string) {
  const opened: TunnelReport[] = [];
  const refused: ReportAnswer["refused"] = [];
  if (reported.length === 0) return { opened, refused };
  const known = new Map(
    (await listGenerationsAtRelay(sql, relayId, now)).map((row) => [row.gateway_id, row.generation]),
  );
  for (const tunnel of reported) {
    const generation = known.get(tunnel.gatewayId) ?? null;
    if (generation !== null && tunnel.generation >= generation) opened.push(tunnel);
    else refused.push({ gatewayId: tunnel.gatewayId, generation });
  }
  return { opened, refused };
}
