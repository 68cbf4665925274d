import { SallyportError } from "../../../telemetry/error.ts";
import type { Sql } from "../../store/database.ts";
import { listCandidates, lockPool, reserve, suspect } from "../../store/gateway-loads.ts";
import type { GatewayRow } from "../../store/gateways.ts";
import type { Core } from "../core.ts";
import { type HealthOf, readGatewayHealth } from "../health/read.ts";
import { type Candidate, chooseMember, SUSPECT_MS } from "./pool-choice.ts";

/** PROTOCOL H.4: what was handed out counts for so long, unless a report covers it. */
const RESERVATION_MS = 240_000;

/**
 * Chooses the member of a pool that a new connection goes to, and counts that connection at once, so that replicas that
 * choose at the same moment do not all take the same one.
 * @param except the member that has just failed
 * @throws SallyportError GATEWAY_NOT_CONNECTED when there is none, NOT_FOUND
 */
export async function claimMember(
  core: Core,
  pool: { id: string; orgId: string },
  except: string | undefined,
): Promise<GatewayRow> {
  const health = await readGatewayHealth(core, pool.orgId);
  return await core.store.transaction(async (sql) => {
    if (!(await lockPool(sql, pool.id))) {
      throw new SallyportError("NOT_FOUND", "There is no such gateway pool.");
    }
    const now = core.now();
    const since = new Date(now.getTime() - RESERVATION_MS).toISOString();
    const candidates = await candidatesOf(sql, pool.id, health, now);
    const others = candidates.filter(({ row }) => row.id !== except);
    const member = chooseMember(others, now, Math.random);
    if (!member) throw new SallyportError("GATEWAY_NOT_CONNECTED", "Gateway pool has no healthy gateways.");
    await reserve(sql, member.id, now.toISOString(), since);
    return member;
  });
}

/** The members of a pool with how they are and how busy. */
export async function describeMembers(core: Core, pool: { id: string; orgId: string }): Promise<Candidate[]> {
  const health = await readGatewayHealth(core, pool.orgId);
  return await candidatesOf(core.store.read, pool.id, health, core.now());
}

/**
 * A client did not get through this gateway: pools pass it over for a minute.
 * @returns whether it was trusted until now
 */
export async function suspectMember(core: Core, gatewayId: string): Promise<boolean> {
  const now = core.now();
  const since = new Date(now.getTime() - SUSPECT_MS).toISOString();
  return await core.store.transaction((sql) => suspect(sql, gatewayId, now.toISOString(), since));
}

async function candidatesOf(sql: Sql, poolId: string, health: HealthOf, now: Date): Promise<Candidate[]> {
  const since = new Date(now.getTime() - RESERVATION_MS).toISOString();
  const rows = await listCandidates(sql, poolId, since);
  return rows.map((row) => ({ row, status: health(row.id).status }));
}
