import {
  hasScheme,
  mayHaveScheme,
  type ResourceKind,
  usualPort,
} from "../../../platform-client/resource-kinds.ts";
import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import { lockOrganisation } from "../../store/people.ts";
import {
  countResources,
  deleteResource,
  findResource,
  insertResource,
  listResources,
  type ResourceRow,
  updateResourceRow,
} from "../../store/resources.ts";
import { byHolder, type Holder } from "../actors.ts";
import { type Core, LIMITS } from "../core.ts";
import { endAccess } from "./access-end.ts";
import { findPlace, namesPlace, type Place, type PlaceRequest } from "./resource-place.ts";

export interface NewResource extends PlaceRequest {
  name: string;
  host: string;
  /** The kind's usual one unless told. */
  port?: number | undefined;
  kind: ResourceKind;
}

export interface ResourceChange extends PlaceRequest {
  name?: string | undefined;
  host?: string | undefined;
  port?: number | undefined;
  kind?: ResourceKind | undefined;
}

/** A resource as it is now, and what may be wrong with it. */
export interface CheckedResource {
  resource: ResourceRow;
  warnings: string[];
}

/** @throws SallyportError FORBIDDEN, NOT_FOUND, ALREADY_EXISTS, LIMIT_REACHED, REQUEST_INVALID, REQUEST_REFUSED */
export async function createResource(
  core: Core,
  holder: Holder,
  request: NewResource,
): Promise<CheckedResource> {
  const { name } = request;
  const target = requireTarget(request);
  const id = crypto.randomUUID();
  const place = await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, holder.orgId, now);
    if ((await countResources(sql, holder.orgId)) >= LIMITS.resources) {
      throw new SallyportError(
        "LIMIT_REACHED",
        `An organisation can have ${LIMITS.resources} resources: delete one first.`,
      );
    }
    const found = await findPlace(sql, holder, request);
    const { gateway_id, pool_id } = found;
    const row = { id, org_id: holder.orgId, gateway_id, pool_id, name, ...target, now };
    if (!(await insertResource(sql, row))) throw taken(name);
    const detail = { resourceId: id, name, ...describe(row) };
    await insertAudit(sql, { ...byHolder(holder), event: "RESOURCE_CREATE", detail }, now);
    return found;
  });
  return { resource: await getResource(core, holder, id), warnings: loopbackWarnings(target, place) };
}

export async function listOwnResources(core: Core, holder: Holder): Promise<ResourceRow[]> {
  return await listResources(core.store.read, holder.orgId);
}

/** By id or name. @throws SallyportError NOT_FOUND, also for another organisation's */
export async function getResource(core: Core, holder: Holder, idOrName: string): Promise<ResourceRow> {
  return (await findResource(core.store.read, holder.orgId, idOrName)) ?? missing();
}

/**
 * Changes what is given. Another target, gateway or pool cuts what is open to the former one; grants stay.
 * @throws SallyportError FORBIDDEN, NOT_FOUND, ALREADY_EXISTS, REQUEST_INVALID, REQUEST_REFUSED
 */
export async function updateResource(
  core: Core,
  holder: Holder,
  idOrName: string,
  change: ResourceChange,
): Promise<CheckedResource> {
  const { orgId } = holder;
  const { id, target, place } = await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, orgId, now);
    const before = (await findResource(sql, orgId, idOrName)) ?? missing();
    const { name = before.name, host = before.host, port = before.port, kind = before.kind } = change;
    const target = requireTarget({ host, port, kind });
    const asked = namesPlace(change) ? change : presentPlace(before);
    const place = await findPlace(sql, holder, asked, before);
    const { gateway_id, pool_id } = place;
    const after = { id: before.id, org_id: orgId, gateway_id, pool_id, name, ...target };
    if (!(await updateResourceRow(sql, { ...after, now }))) throw taken(name);
    const detail = {
      resourceId: before.id,
      name,
      ...describe(after),
      before: JSON.stringify(summary(before)),
    };
    await insertAudit(sql, { ...byHolder(holder), event: "RESOURCE_UPDATE", detail }, now);
    if (isElsewhere(before, after)) await endAccess(sql, { orgId, resourceId: before.id }, now);
    return { id: before.id, target, place };
  });
  return { resource: await getResource(core, holder, id), warnings: loopbackWarnings(target, place) };
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

interface Target {
  host: string;
  port: number;
  kind: ResourceKind;
}

/** @throws SallyportError REQUEST_INVALID */
function requireTarget(request: { host: string; port?: number | undefined; kind: ResourceKind }): Target {
  const { host, kind } = request;
  if (hasScheme(host) && !mayHaveScheme(kind)) {
    const text = `A target of kind ${kind} is a host without a scheme: leave out http:// or https://.`;
    throw new SallyportError("REQUEST_INVALID", text);
  }
  const port = request.port ?? usualPort(kind, host);
  if (port !== undefined) return { host, port, kind };
  throw new SallyportError("REQUEST_INVALID", `Give the port: a target of kind ${kind} has no usual one.`);
}

function presentPlace({ gateway_id, pool_id }: ResourceRow): PlaceRequest {
  return { gatewayId: gateway_id ?? undefined, poolId: pool_id ?? undefined };
}

type Located = Pick<ResourceRow, "gateway_id" | "pool_id" | "host" | "port">;

function isElsewhere(before: Located, after: Located): boolean {
  const place = ({ gateway_id, pool_id, host, port }: Located) => [gateway_id, pool_id, host, port].join(" ");
  return place(before) !== place(after);
}

/** The part of an audit entry that says what the resource is. */
function describe({ gateway_id, pool_id, host, port, kind }: Located & { kind: ResourceKind }) {
  return { gatewayId: gateway_id, gatewayPoolId: pool_id, target: `${host}:${port}`, kind };
}

function summary(row: ResourceRow) {
  return { name: row.name, ...describe(row) };
}

/** A gateway reaches its own machine only where its owner allows it (EXTENSIONS X6). */
function loopbackWarnings({ host: given, port }: Target, place: Place): string[] {
  const host = given
    .replace(/^https?:\/\//, "")
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
  const isLoopback = /^127\./.test(host) || host === "::1" || /^(.*\.)?localhost$/i.test(host);
  if (!isLoopback) return [];
  const rule = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const whose = place.pool_id === null ? place.text : `each gateway of ${place.text}`;
  return [
    `${host} is the gateway's own machine, which gateways refuse to reach: start ${whose} with --allow ${rule}.`,
  ];
}

function taken(name: string): SallyportError {
  return new SallyportError(
    "ALREADY_EXISTS",
    `There is a resource named ${name} already: choose another name.`,
  );
}

function missing(): never {
  throw new SallyportError("NOT_FOUND", "There is no such resource.");
}
