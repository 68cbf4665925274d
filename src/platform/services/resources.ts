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
import { byPerson, type Person } from "./actors.ts";
import { type Core, LIMITS } from "./core.ts";
import { resolveGateway } from "./gateways.ts";

export interface NewResource {
  name: string;
  gatewayId?: string | undefined;
  gatewayName?: string | undefined;
  host: string;
  port: number;
  kind: ResourceKind;
}

/** @throws SallyportError NOT_FOUND, ALREADY_EXISTS, LIMIT_REACHED, REQUEST_INVALID */
export async function createResource(
  core: Core,
  person: Person,
  request: NewResource,
): Promise<{ resource: ResourceRow; warnings: string[] }> {
  const { name, host, port, kind } = request;
  const gateway = await namedGateway(core, person, request);
  const id = crypto.randomUUID();
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, person.orgId, now);
    if ((await countResources(sql, person.orgId)) >= LIMITS.resources) {
      throw new SallyportError(
        "LIMIT_REACHED",
        `An organisation can have ${LIMITS.resources} resources: delete one first.`,
      );
    }
    if (!(await findOwnGateway(sql, person.orgId, gateway.id))) {
      throw new SallyportError("NOT_FOUND", "There is no such gateway.");
    }
    const row = { id, org_id: person.orgId, gateway_id: gateway.id, name, host, port, kind, now };
    if (!(await insertResource(sql, row))) {
      throw new SallyportError(
        "ALREADY_EXISTS",
        `There is a resource named ${name} already: choose another name.`,
      );
    }
    const detail = { resourceId: id, name, gatewayId: gateway.id, target: `${host}:${port}`, kind };
    await insertAudit(sql, { ...byPerson(person), event: "RESOURCE_CREATE", detail }, now);
  });
  const resource = await getResource(core, person, id);
  return { resource, warnings: loopbackWarnings(host, port, gateway.name) };
}

export async function listOwnResources(core: Core, person: Person): Promise<ResourceRow[]> {
  return await listResources(core.store.read, person.orgId);
}

/** By id or name. @throws SallyportError NOT_FOUND, also for another organisation's */
export async function getResource(core: Core, person: Person, idOrName: string): Promise<ResourceRow> {
  return (await findResource(core.store.read, person.orgId, idOrName)) ?? missing();
}

/** Cuts what people have open to it. @throws SallyportError NOT_FOUND */
export async function removeResource(core: Core, person: Person, idOrName: string): Promise<ResourceRow> {
  const resource = await getResource(core, person, idOrName);
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    if (!(await deleteResource(sql, resource.id))) missing();
    const detail = { resourceId: resource.id, name: resource.name };
    await insertAudit(sql, { ...byPerson(person), event: "RESOURCE_DELETE", detail }, now);
    await endAccess(sql, { orgId: person.orgId, resourceId: resource.id }, now);
  });
  return resource;
}

/** @throws SallyportError NOT_FOUND */
export async function gatewayOfResource(core: Core, resource: ResourceRow): Promise<GatewayRow> {
  return (await findGateway(core.store.read, resource.gateway_id)) ?? missing();
}

async function namedGateway(core: Core, person: Person, request: NewResource): Promise<GatewayRow> {
  const { gatewayId, gatewayName } = request;
  const named = gatewayId ?? gatewayName;
  if (named === undefined || (gatewayId !== undefined && gatewayName !== undefined)) {
    throw new SallyportError("REQUEST_INVALID", "Give either gatewayId or gatewayName.");
  }
  return await resolveGateway(core, person, named);
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
