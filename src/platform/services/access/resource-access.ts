import { SallyportError } from "../../../telemetry/error.ts";
import { findGateway, type GatewayRow } from "../../store/gateways.ts";
import { findAccessGateway } from "../../store/issued-certificates.ts";
import type { ResourceRow } from "../../store/resources.ts";
import { type Holder, nameHolder } from "../actors.ts";
import type { Core } from "../core.ts";
import { claimMember, suspectMember } from "../gateways/pool-members.ts";
import type { Probes } from "../health/probes.ts";
import { type AccessAnswer, grantAccess } from "./access.ts";
import { requireGrant } from "./grants.ts";
import { getResource } from "./resources.ts";

export interface ResourceAccessRequest {
  relayCsr?: string | undefined;
  gatewayCsr?: string | undefined;
  /** An earlier answer that led nowhere: its gateway is passed over. */
  failedAccessId?: string | undefined;
}

/**
 * Lets a holder dial a resource, through its gateway or through the member of its pool that does best at this moment.
 * @throws SallyportError FORBIDDEN, NOT_FOUND, GATEWAY_NOT_CONNECTED; as `grantAccess`
 */
export async function accessResource(
  { core, probes }: { core: Core; probes: Pick<Probes, "lookInto"> },
  holder: Holder,
  idOrName: string,
  { relayCsr, gatewayCsr, failedAccessId }: ResourceAccessRequest,
): Promise<AccessAnswer> {
  const resource = await getResource(core, holder, idOrName);
  const grant = await requireGrant(core, holder, resource);
  const failed = await failedGateway(core, holder, resource, failedAccessId);
  if (failed !== undefined && (await suspectMember(core, failed))) probes.lookInto({ gateways: [failed] });
  const gateway = await gatewayOf(core, resource, failed);
  const { host, port, kind } = resource;
  return await grantAccess(core, holder, {
    gateway,
    resourceId: resource.id,
    pool: resource.pool_id === null ? null : { id: resource.pool_id, name: resource.pool_name ?? "" },
    target: { host, port, kind },
    grant,
    relayCsr,
    gatewayCsr,
  });
}

async function gatewayOf(core: Core, resource: ResourceRow, failed: string | undefined): Promise<GatewayRow> {
  const { gateway_id, pool_id, org_id } = resource;
  if (pool_id !== null) return await claimMember(core, { id: pool_id, orgId: org_id }, failed);
  const gateway = gateway_id === null ? undefined : await findGateway(core.store.read, gateway_id);
  if (gateway) return gateway;
  throw new SallyportError("NOT_FOUND", "There is no such resource.");
}

/** Only who was sent to a gateway can say that it did not answer, and only while the certificates are good. */
async function failedGateway(
  core: Core,
  holder: Holder,
  resource: ResourceRow,
  accessId: string | undefined,
): Promise<string | undefined> {
  if (accessId === undefined || resource.pool_id === null) return undefined;
  return await findAccessGateway(core.store.read, {
    accessId,
    resourceId: resource.id,
    holderId: nameHolder(holder).id,
    now: core.now().toISOString(),
  });
}
