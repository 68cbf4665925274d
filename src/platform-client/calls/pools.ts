import { z } from "zod";
import { Calls, del, get, patch, path, post } from "./calls.ts";
import { id, name, time } from "./fields.ts";

const poolRow = z.object({ id, name, createdAt: time });
export type PoolRow = z.infer<typeof poolRow>;

const poolListEntry = poolRow.extend({
  memberCount: z.number().int(),
  healthyMemberCount: z.number().int(),
  memberGatewayIds: z.array(id).max(10_000),
  connectedResourcesCount: z.number().int(),
});
export type PoolListEntry = z.infer<typeof poolListEntry>;

const poolDetail = poolRow.extend({
  gateways: z
    .array(
      z.object({
        id,
        name,
        heartbeat: time,
        status: z.string().max(32),
        suspect: z.boolean(),
        /** null = it has not reported lately. */
        load: z.number().int().nullable(),
      }),
    )
    .max(10_000),
  connectedResourcesCount: z.number().int(),
});
export type PoolDetail = z.infer<typeof poolDetail>;

const poolMembership = z.object({ id, gatewayPoolId: id, gatewayId: id });

/** Pools of gateways that stand in for one another. */
export class PoolCalls extends Calls {
  list(): Promise<PoolListEntry[]> {
    return this.call({ ...get("/v2/gateway-pools"), answer: z.array(poolListEntry).max(10_000) });
  }

  create(body: { name: string }): Promise<PoolRow> {
    return this.call({ ...post("/v2/gateway-pools", body), answer: poolRow });
  }

  get(poolId: string): Promise<PoolDetail> {
    return this.call({ ...get(path`/v2/gateway-pools/${poolId}`), answer: poolDetail });
  }

  update(poolId: string, body: { name?: string }): Promise<PoolRow> {
    return this.call({ ...patch(path`/v2/gateway-pools/${poolId}`, body), answer: poolRow });
  }

  /** CONFLICT while resources are behind it. */
  async delete(poolId: string): Promise<void> {
    await this.call({ ...del(path`/v2/gateway-pools/${poolId}`), answer: poolRow });
  }

  async addMember(poolId: string, gatewayId: string): Promise<void> {
    const where = path`/v2/gateway-pools/${poolId}/memberships`;
    await this.call({ ...post(where, { gatewayId }), answer: poolMembership });
  }

  async removeMember(poolId: string, gatewayId: string): Promise<void> {
    const where = path`/v2/gateway-pools/${poolId}/memberships/${gatewayId}`;
    await this.call({ ...del(where), answer: poolMembership });
  }
}
