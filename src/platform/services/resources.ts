import { SallyportError } from "../../telemetry/error.ts";
import { insertAudit } from "../store/audit.ts";
import { findGateway, findOwnGateway, type GatewayRow } from "../store/gateways.ts";
import { lockOrganisation } from "../store/people.ts";
import {
  countResources,
  deleteResource,
  findResource,
  insertResource,
  listResources,
  type ResourceKind,
  type ResourceRow,
} from "../store/resources.ts";
import { endAccess } from "./access-end.ts";
import { byHolder, type Holder } from "./actors.ts";
import { type Core, LIMITS } from "./core.ts";
import { resolveGateway } from "./gateways.ts";
import { requireRight } from "./rights.ts";

export interface NewResource {
  name: string;
  gatewayId?: string | undefined;
  gatewayName?: string | undefined;
  host: string;
  port: number;
  kind: ResourceKind;
}

/** @throws SallyportError FORBIDDEN, NOT_FOUND, ALREADY_EXISTS, LIMIT_REACHED, REQUEST_INVALID */
export async function createResource(
  core: Core,
  holder: Holder,
  request: NewResource,
): Promise<{ resource: ResourceRow; warnings: string[] }> {
  const { name, host, port, kind } = request;
  const gateway = await namedGateway(core, holder, request);
  const id = crypto.randomUUID();
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, holder.orgId, now);
    if ((await countResources(sql, holder.orgId)) >= LIMITS.resources) {
      throw new SallyportError(
        "LIMIT_REACHED",
        `An organisation can have ${LIMITS.resources} resources: delete one first.`,
      );
    }
    if (!(await findOwnGateway(sql, holder.orgId, gateway.id))) {
      throw new SallyportError("NOT_FOUND", "There is no such gateway.");
    }
    const row = { id, org_id: holder.orgId, gateway_id: gateway.id, name, host, port, kind, now };
    if (!(await insertResource(sql, row))) {
      throw new SallyportError(
        "ALREADY_EXISTS",
        `There is a resource named ${name} already: choose another name.`,
      );
    }
    const detail = { resourceId: id, name, gatewayId: gateway.id, target: `${host}:${port}`, kind };
    await insertAudit(sql, { ...byHolder(holder), event: "RESOURCE_CREATE", detail }, now);
  });
  const resource = await getResource(core, holder, id);
  return { resource, warnings: loopbackWarnings(host, port, gateway.name) };
}

export async function listOwnResources(core: Core, holder: Holder): Promise<ResourceRow[]> {
  return await listResources(core.store.read, holder.orgId);
}

/** By id or name. @throws SallyportError NOT_FOUND, also for another organisation's */
export async function getResource(core: Core, holder: Holder, idOrName: string): Promise<ResourceRow> {
  return (await findResource(core.store.read, holder.orgId, idOrName)) ?? missing();
}

/** Cuts what people have open to it. @throws SallyportError NOT_FOUND */
export async function removeResource(core: Core, holder: Holder, idOrName: string): Promise<ResourceRow> {
  const resource = await getResource(core, holder, idOrName);
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    if (!(await deleteResource(sql, resource.id))) missing();
    const detail = { resourceId: resource.id, name: resource.name };
    await insertAudit(sql, { ...byHolder(holder), event: "RESOURCE_DELETE", detail }, now);
    await endAccess(sql, { orgId: holder.orgId, resourceId: resource.id }, now);
  });
  return resource;
}

/** @throws SallyportError NOT_FOUND */
export async function gatewayOfResource(core: Core, resource: ResourceRow): Promise<GatewayRow> {
  return (await findGateway(core.store.read, resource.gateway_id)) ?? missing();
}

async function namedGateway(core: Core, holder: Holder, request: NewResource): Promise<GatewayRow> {
  const { gatewayId, gatewayName } = request;
  const named = gatewayId ?? gatewayName;
  if (named === undefined || (gatewayId !== undefined && gatewayName !== undefined)) {
    throw new SallyportError("REQUEST_INVALID", "Give either gatewayId or gatewayName.");
  }
  requireRight(holder, "attach-gateways");
  return await resolveGateway(core, holder, named);
}

/** A gateway reaches its own machine only where its owner allows it (EXTENSIONS X6). */
function loopbackWarnings(target: string, port: number, gateway: string): string[] {
  const host = target
    .replace(/^https?:\/\//, "")
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
  const isLoopback = /^127\./.test(host) || host === "::1" || /^(.*\.)?localhost$/i.test(host);
  if (!isLoopback) return [];
  return [
    `${host} is the gateway's own machine, which gateways refuse to reach: start ${gateway} with --allow ${host.includes(":") ? `[${host}]` : host}:${port}.`,
  ];
}

function missing(): never {
  throw new SallyportError("NOT_FOUND", "There is no such resource.");
}
