import { z } from "@hono/zod-openapi";
import {
  addMember,
  createPool,
  getPool,
  listOwnPools,
  removeMember,
  removePool,
  updatePool,
} from "../services/gateways/gateway-pools.ts";
import { isSuspect, loadOf } from "../services/gateways/pool-choice.ts";
import { describeMembers } from "../services/gateways/pool-members.ts";
import { HEALTH_STATUSES } from "../services/health/health.ts";
import { listPoolResources, type MembershipRow, type PoolRow } from "../store/gateway-pools.ts";
import { connectedResources, toConnected } from "./connected.ts";
import { answers, jsonBody, relayName, time } from "./fields.ts";
import { declareRoute, HOLDERS, requireHolder, routes } from "./route.ts";

/** PROTOCOL A.3, "Pools". */
const poolObject = z
  .object({ id: z.string(), orgId: z.string(), name: z.string(), createdAt: time, updatedAt: time })
  .openapi("GatewayPool");

const poolListEntry = poolObject
  .extend({
    memberCount: z.int(),
    healthyMemberCount: z.int(),
    memberGatewayIds: z.array(z.string()),
    connectedResourcesCount: z.int(),
  })
  .openapi("GatewayPoolListEntry");

const poolDetail = poolObject
  .extend({
    gateways: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        heartbeat: time,
        status: z.enum(HEALTH_STATUSES),
        /** A client did not get through it within the last minute. */
        suspect: z.boolean(),
        /** Connections open and about to be opened; null without a recent report of the gateway. */
        load: z.int().nullable(),
      }),
    ),
    connectedResourcesCount: z.int(),
  })
  .openapi("GatewayPoolDetail");

const membershipObject = z
  .object({ id: z.string(), gatewayPoolId: z.string(), gatewayId: z.string(), createdAt: time })
  .openapi("GatewayPoolMembership");

const poolId = z.object({ poolId: z.uuid() });
const member = poolId.extend({ gatewayId: z.uuid() });
const path = "/api/v2/gateway-pools";

const create = declareRoute(
  { to: HOLDERS, right: "create-gateway-pools" },
  {
    method: "post",
    path,
    summary: "Create a pool",
    request: { body: jsonBody(z.object({ name: relayName })) },
    responses: answers(poolObject, "The new pool, without members"),
  },
);

const list = declareRoute(
  { to: HOLDERS, right: "list-gateway-pools" },
  {
    method: "get",
    path,
    summary: "List pools",
    responses: answers(z.array(poolListEntry), "The organisation's pools"),
  },
);

const get = declareRoute(
  { to: HOLDERS, right: "list-gateway-pools" },
  {
    method: "get",
    path: `${path}/{poolId}`,
    summary: "Show a pool",
    request: { params: poolId },
    responses: answers(poolDetail, "The pool and its members"),
  },
);

const update = declareRoute(
  { to: HOLDERS, right: "edit-gateway-pools" },
  {
    method: "patch",
    path: `${path}/{poolId}`,
    summary: "Rename a pool",
    request: { params: poolId, body: jsonBody(z.object({ name: relayName.optional() })) },
    responses: answers(poolObject, "The pool as it is now"),
  },
);

const remove = declareRoute(
  { to: HOLDERS, right: "delete-gateway-pools" },
  {
    method: "delete",
    path: `${path}/{poolId}`,
    summary: "Delete a pool",
    request: { params: poolId },
    responses: answers(poolObject, "The pool that was; refused while resources are behind it"),
  },
);

const add = declareRoute(
  { to: HOLDERS, right: "edit-gateway-pools" },
  {
    method: "post",
    path: `${path}/{poolId}/memberships`,
    summary: "Add a gateway to a pool",
    request: { params: poolId, body: jsonBody(z.object({ gatewayId: z.uuid() })) },
    responses: answers(membershipObject, "The new membership"),
  },
);

const take = declareRoute(
  { to: HOLDERS, right: "edit-gateway-pools" },
  {
    method: "delete",
    path: `${path}/{poolId}/memberships/{gatewayId}`,
    summary: "Remove a gateway from a pool",
    request: { params: member },
    responses: answers(membershipObject, "The membership that was"),
  },
);

const resources = declareRoute(
  { to: HOLDERS, right: "list-gateway-pools" },
  {
    method: "get",
    path: `${path}/{poolId}/resources`,
    summary: "List the resources behind a pool",
    request: { params: poolId },
    responses: answers(connectedResources, "What is behind the pool"),
  },
);

/** Pools of gateways that stand in for each other. */
export const gatewayPoolRoutes = routes()
  .openapi(create, async (c) => {
    const holder = requireHolder(c.var.actor);
    return c.json(toPool(await createPool(c.var.services.core, holder, c.req.valid("json").name)), 200);
  })
  .openapi(list, async (c) => {
    const pools = await listOwnPools(c.var.services.core, requireHolder(c.var.actor));
    const entries = pools.map(({ pool, members }) => ({
      ...toPool(pool),
      memberCount: members.length,
      healthyMemberCount: members.filter(({ healthy }) => healthy).length,
      memberGatewayIds: members.map(({ gateway }) => gateway.id),
      connectedResourcesCount: pool.resource_count,
    }));
    return c.json(entries, 200);
  })
  .openapi(get, async (c) => {
    const { core } = c.var.services;
    const pool = await getPool(core, requireHolder(c.var.actor), c.req.valid("param").poolId);
    const now = core.now();
    const gateways = (await describeMembers(core, { id: pool.id, orgId: pool.org_id })).map(
      ({ row, status }) => ({
        id: row.id,
        name: row.name,
        heartbeat: row.heartbeat,
        status,
        suspect: isSuspect(row, now),
        load: loadOf(row, now) ?? null,
      }),
    );
    return c.json({ ...toPool(pool), gateways, connectedResourcesCount: pool.resource_count }, 200);
  })
  .openapi(update, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { poolId: id } = c.req.valid("param");
    return c.json(toPool(await updatePool(c.var.services.core, holder, id, c.req.valid("json"))), 200);
  })
  .openapi(remove, async (c) => {
    const holder = requireHolder(c.var.actor);
    return c.json(toPool(await removePool(c.var.services.core, holder, c.req.valid("param").poolId)), 200);
  })
  .openapi(add, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { poolId: id } = c.req.valid("param");
    const { gatewayId } = c.req.valid("json");
    return c.json(toMembership(await addMember(c.var.services.core, holder, id, gatewayId)), 200);
  })
  .openapi(take, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { poolId: id, gatewayId } = c.req.valid("param");
    return c.json(toMembership(await removeMember(c.var.services.core, holder, id, gatewayId)), 200);
  })
  .openapi(resources, async (c) => {
    const { core } = c.var.services;
    const pool = await getPool(core, requireHolder(c.var.actor), c.req.valid("param").poolId);
    return c.json(toConnected(await listPoolResources(core.store.read, pool.id)), 200);
  });

function toPool(row: PoolRow): z.infer<typeof poolObject> {
  return {
    id: row.id,
    orgId: row.org_id,
    name: row.name,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function toMembership(row: MembershipRow): z.infer<typeof membershipObject> {
  return { id: row.id, gatewayPoolId: row.pool_id, gatewayId: row.gateway_id, createdAt: row.created_at };
}
