import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import { closeAbandoned } from "../../store/connections.ts";
import { deleteGatewayTokens } from "../../store/enrollment-tokens.ts";
import { deleteMembershipsOf } from "../../store/gateway-pools.ts";
import {
  countGateways,
  deleteGateway,
  findGatewayView,
  findOwnGateway,
  type GatewayEntry,
  type GatewayRow,
  type GatewayView,
  insertGateway,
  listGatewayEntries,
  revokeGateway,
} from "../../store/gateways.ts";
import { lockOrganisation } from "../../store/people.ts";
import { countGatewayResources } from "../../store/resources.ts";
import { byHolder, type Holder } from "../actors.ts";
import { prepareAuthMethod, writeAuthMethod } from "../auth-methods/change.ts";
import type { AuthMethodWish } from "../auth-methods/settings.ts";
import { type Core, LIMITS } from "../core.ts";
import { emit } from "../events/events.ts";
import { runsAsIdentity } from "../identities/identity-agents.ts";
import { generateEnrollmentToken } from "../login/enrollment.ts";
import { holdRight } from "../people/held-rights.ts";

/** @throws SallyportError ALREADY_EXISTS, LIMIT_REACHED, REQUEST_INVALID, FORBIDDEN when the right ended meanwhile */
export async function createGateway(
  core: Core,
  holder: Holder,
  { name, wish }: { name: string; wish: AuthMethodWish },
): Promise<GatewayView> {
  const id = crypto.randomUUID();
  const authMethodId = crypto.randomUUID();
  const prepared = await prepareAuthMethod(core, wish, { orgId: holder.orgId, authMethodId });
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, holder.orgId, now);
    await holdRight(sql, holder, "create-gateways");
    if ((await countGateways(sql, holder.orgId)) >= LIMITS.gateways) {
      throw new SallyportError(
        "LIMIT_REACHED",
        `An organisation can have ${LIMITS.gateways} gateways: delete one first.`,
      );
    }
    const row = { id, orgId: holder.orgId, name, authMethodId, now };
    if (!(await insertGateway(sql, row))) {
      throw new SallyportError(
        "ALREADY_EXISTS",
        `There is a gateway named ${name} already: choose another name.`,
      );
    }
    await writeAuthMethod(sql, authMethodId, prepared, now);
    const detail = { gatewayId: id, name, method: wish.method };
    await insertAudit(sql, { ...byHolder(holder), event: "GATEWAY_CREATE", detail }, now);
  });
  return await getGateway(core, holder, id);
}

/** @throws SallyportError NOT_FOUND, also for another organisation's */
export async function getGateway(core: Core, holder: Holder, id: string): Promise<GatewayView> {
  return (await findGatewayView(core.store.read, holder.orgId, id)) ?? missing();
}

/** By id or name. @throws SallyportError NOT_FOUND */
export async function resolveGateway(core: Core, holder: Holder, idOrName: string): Promise<GatewayRow> {
  return (await findOwnGateway(core.store.read, holder.orgId, idOrName)) ?? missing();
}

export async function listGateways(core: Core, holder: Holder): Promise<GatewayEntry[]> {
  return await listGatewayEntries(core.store.read, holder.orgId);
}

/** @throws SallyportError NOT_FOUND, REQUEST_REFUSED while resources are attached */
export async function removeGateway(core: Core, holder: Holder, id: string): Promise<GatewayView> {
  const gateway = await getGateway(core, holder, id);
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, holder.orgId, now);
    if ((await countGatewayResources(sql, id)) > 0) {
      throw new SallyportError(
        "REQUEST_REFUSED",
        `The gateway ${gateway.name} is attached to active resources: delete those first.`,
      );
    }
    const pools = await deleteMembershipsOf(sql, id);
    if (!(await deleteGateway(sql, holder.orgId, id))) missing();
    for (const pool of pools) {
      const detail = {
        ...{ gatewayPoolId: pool.id, name: pool.name },
        ...{ gatewayId: id, gatewayName: gateway.name },
      };
      await insertAudit(sql, { ...byHolder(holder), event: "GATEWAY_POOL_REMOVE_MEMBER", detail }, now);
    }
    const detail = { gatewayId: id, name: gateway.name };
    await insertAudit(sql, { ...byHolder(holder), event: "GATEWAY_DELETE", detail }, now);
    await closeAbandoned(sql, id, null, now);
    const about = { orgId: holder.orgId, gatewayId: id };
    await emit(sql, about, [{ type: "gateway.deleted", gatewayId: id }], now);
  });
  return gateway;
}

/** Makes every access and enrollment token of the gateway worthless and cuts its tunnels. @throws SallyportError NOT_FOUND, REQUEST_REFUSED */
export async function revokeGatewayAccess(core: Core, holder: Holder, id: string): Promise<string> {
  const gateway = await getGateway(core, holder, id);
  if (gateway.identity_id !== null) throw runsAsIdentity("gateway", gateway.name);
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await deleteGatewayTokens(sql, id);
    const generation = (await revokeGateway(sql, holder.orgId, id, now)) ?? missing();
    const detail = { resourceType: "gateway", resourceId: id, name: gateway.name };
    await insertAudit(sql, { ...byHolder(holder), event: "RESOURCE_AUTH_METHOD_REVOKE", detail }, now);
    const about = { orgId: holder.orgId, gatewayId: id };
    await emit(sql, about, [{ type: "gateway.revoked", gatewayId: id, generation }], now);
  });
  return gateway.auth_method;
}

/** @throws SallyportError NOT_FOUND */
export async function generateGatewayToken(
  core: Core,
  holder: Holder,
  id: string,
): Promise<{ token: string; expiresAt: string }> {
  const gateway = await getGateway(core, holder, id);
  const { name, auth_method_id: authMethodId, auth_method: method } = gateway;
  return await generateEnrollmentToken(core, holder, { kind: "gateway", id, name, authMethodId, method });
}

function missing(): never {
  throw new SallyportError("NOT_FOUND", "There is no such gateway.");
}
