import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import type { Sql } from "../../store/database.ts";
import {
  countPools,
  deleteMember,
  deletePool,
  insertMember,
  insertPool,
  listMembers,
  listPoolResources,
  listPools,
  type MembershipRow,
  type PoolRow,
  type PoolView,
  renamePool,
} from "../../store/gateway-pools.ts";
import { findOwnGateway, type GatewayRow } from "../../store/gateways.ts";
import { lockOrganisation } from "../../store/people.ts";
import { byHolder, type Holder } from "../actors.ts";
import { type Core, LIMITS } from "../core.ts";
import { readGatewayHealth } from "../health/read.ts";
import { isReachable } from "./pool-choice.ts";

/** Names that a refusal lists. */
const MOST_NAMES = 10;

/** @throws SallyportError ALREADY_EXISTS, LIMIT_REACHED */
export async function createPool(core: Core, holder: Holder, name: string): Promise<PoolView> {
  const id = crypto.randomUUID();
  const { orgId } = holder;
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, orgId, now);
    if ((await countPools(sql, orgId)) >= LIMITS.pools) {
      const text = `An organisation can have ${LIMITS.pools} gateway pools: delete one first.`;
      throw new SallyportError("LIMIT_REACHED", text);
    }
    if (!(await insertPool(sql, { id, orgId, name, now }))) throw taken(name);
    const detail = { gatewayPoolId: id, name };
    await insertAudit(sql, { ...byHolder(holder), event: "GATEWAY_POOL_CREATE", detail }, now);
  });
  return await getPool(core, holder, id);
}

/** @throws SallyportError NOT_FOUND, also for another organisation's */
export async function getPool(core: Core, holder: Holder, id: string): Promise<PoolView> {
  const [pool] = await listPools(core.store.read, holder.orgId, id);
  return pool ?? missing();
}

export interface PoolSummary {
  pool: PoolView;
  members: { gateway: GatewayRow; healthy: boolean }[];
}

export async function listOwnPools(core: Core, holder: Holder): Promise<PoolSummary[]> {
  const { orgId } = holder;
  const { read } = core.store;
  const health = await readGatewayHealth(core, orgId);
  const members = Map.groupBy(await listMembers(read, orgId, null), (row) => row.pool_id);
  return (await listPools(read, orgId, null)).map((pool) => ({
    pool,
    members: (members.get(pool.id) ?? []).map((gateway) => ({
      gateway,
      healthy: isReachable(health(gateway.id).status),
    })),
  }));
}

/** @throws SallyportError NOT_FOUND, ALREADY_EXISTS */
export async function updatePool(
  core: Core,
  holder: Holder,
  id: string,
  change: { name?: string | undefined },
): Promise<PoolView> {
  const pool = await getPool(core, holder, id);
  const { name } = change;
  if (name === undefined || name === pool.name) return pool;
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, holder.orgId, now);
    if (!(await renamePool(sql, pool, name, now))) throw taken(name);
    const detail = { gatewayPoolId: id, name, before: pool.name };
    await insertAudit(sql, { ...byHolder(holder), event: "GATEWAY_POOL_UPDATE", detail }, now);
  });
  return await getPool(core, holder, id);
}

/** @throws SallyportError NOT_FOUND, CONFLICT naming what is behind it */
export async function removePool(core: Core, holder: Holder, id: string): Promise<PoolView> {
  const pool = await getPool(core, holder, id);
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, holder.orgId, now);
    const resources = await listPoolResources(sql, id);
    if (resources.length > 0) {
      const text = `The gateway pool ${pool.name} is in use by ${namesOf(resources)}: move or delete those first.`;
      throw new SallyportError("CONFLICT", text);
    }
    if (!(await deletePool(sql, id))) missing();
    const detail = { gatewayPoolId: id, name: pool.name };
    await insertAudit(sql, { ...byHolder(holder), event: "GATEWAY_POOL_DELETE", detail }, now);
  });
  return pool;
}

/** @throws SallyportError NOT_FOUND, ALREADY_EXISTS */
export async function addMember(
  core: Core,
  holder: Holder,
  id: string,
  gatewayId: string,
): Promise<MembershipRow> {
  return await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    const { pool, gateway } = await poolAndGateway(sql, holder, id, gatewayId, now);
    const row = { id: crypto.randomUUID(), pool_id: id, gateway_id: gatewayId, created_at: now };
    if (!(await insertMember(sql, row))) {
      const text = `The gateway ${gateway.name} is in the pool ${pool.name} already.`;
      throw new SallyportError("ALREADY_EXISTS", text);
    }
    const event = "GATEWAY_POOL_ADD_MEMBER";
    await insertAudit(sql, { ...byHolder(holder), event, detail: membership(pool, gateway) }, now);
    return row;
  });
}

/** What is open through the gateway stays; nothing new of this pool goes there. @throws SallyportError NOT_FOUND */
export async function removeMember(
  core: Core,
  holder: Holder,
  id: string,
  gatewayId: string,
): Promise<MembershipRow> {
  return await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    const { pool, gateway } = await poolAndGateway(sql, holder, id, gatewayId, now);
    const gone = await deleteMember(sql, id, gatewayId);
    if (!gone) {
      const text = `The gateway ${gateway.name} is not in the pool ${pool.name}.`;
      throw new SallyportError("NOT_FOUND", text);
    }
    const event = "GATEWAY_POOL_REMOVE_MEMBER";
    await insertAudit(sql, { ...byHolder(holder), event, detail: membership(pool, gateway) }, now);
    return gone;
  });
}

async function poolAndGateway(sql: Sql, holder: Holder, id: string, gatewayId: string, now: string) {
  const { orgId } = holder;
  await lockOrganisation(sql, orgId, now);
  const [pool] = await listPools(sql, orgId, id);
  if (!pool) missing();
  const gateway = await findOwnGateway(sql, orgId, gatewayId);
  if (!gateway) throw new SallyportError("NOT_FOUND", "There is no such gateway.");
  return { pool, gateway };
}

function membership(pool: PoolRow, gateway: GatewayRow) {
  return { gatewayPoolId: pool.id, name: pool.name, gatewayId: gateway.id, gatewayName: gateway.name };
}

function namesOf(resources: { name: string }[]): string {
  const names = resources.slice(0, MOST_NAMES).map(({ name }) => name);
  const more = resources.length - names.length;
  return `${resources.length === 1 ? "the resource" : "the resources"} ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function taken(name: string): SallyportError {
  return new SallyportError(
    "ALREADY_EXISTS",
    `There is a gateway pool named ${name} already: choose another name.`,
  );
}

function missing(): never {
  throw new SallyportError("NOT_FOUND", "There is no such gateway pool.");
}
