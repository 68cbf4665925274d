import { SallyportError } from "../../telemetry/error.ts";
import type { Sql } from "../store/database.ts";
import { type CandidateRow, listCandidates, lockPool, reserve, suspect } from "../store/gateway-loads.ts";
import type { GatewayRow } from "../store/gateways.ts";
import { listPresence } from "../store/relay-tunnels.ts";
import type { Core } from "./core.ts";
import { gatewayHealth } from "./gateway-status.ts";
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
  const presence = await presenceOf(core, pool.orgId);
  return await core.store.transaction(async (sql) => {
    if (!(await lockPool(sql, pool.id))) {
      throw new SallyportError("NOT_FOUND", "There is no such gateway pool.");
    }
    const now = core.now();
    const since = new Date(now.getTime() - RESERVATION_MS).toISOString();
    const candidates = await candidatesOf(sql, pool.id, presence, now);
    const others = candidates.filter(({ row }) => row.id !== except);
    const member = chooseMember(others, now, Math.random);
    if (!member) throw new SallyportError("GATEWAY_NOT_CONNECTED", "Gateway pool has no healthy gateways.");
    await reserve(sql, member.id, now.toISOString(), since);
    return member;
  });
}

/** The members of a pool with how they are and how busy. */
export async function describeMembers(
  core: Core,
  pool: { id: string; orgId: string },
): Promise<(Candidate & { row: CandidateRow })[]> {
  return await candidatesOf(core.store.read, pool.id, await presenceOf(core, pool.orgId), core.now());
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

type Presence = Map<string, Awaited<ReturnType<typeof listPresence>>>;

async function presenceOf(core: Core, orgId: string): Promise<Presence> {
  return Map.groupBy(await listPresence(core.store.read, { orgId }), (row) => row.gateway_id);
}

async function candidatesOf(sql: Sql, poolId: string, presence: Presence, now: Date): Promise<Candidate[]> {
  const since = new Date(now.getTime() - RESERVATION_MS).toISOString();
  return (await listCandidates(sql, poolId, since)).map((row) => {
    const relays = presence.get(row.id) ?? [];
    const { status } = gatewayHealth(row, relays, now);
    // Its relays were deleted since it was seen: nothing leads there.
    return { row, status: relays.length === 0 && status === "healthy" ? "unreachable" : status };
  });
}
