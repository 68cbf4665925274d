import { z } from "@hono/zod-openapi";
import { accessResource } from "../services/access/resource-access.ts";
import {
  type CheckedResource,
  createResource,
  getResource,
  listOwnResources,
  removeResource,
  updateResource,
} from "../services/access/resources.ts";
import type { ResourceRow } from "../store/resources.ts";
import { accessAnswer, accessRequest, resourceKind, targetHost } from "./access-objects.ts";
import {
  answers,
  gatewayName,
  idOrName,
  jsonBody,
  optionalJsonBody,
  port,
  relayName,
  time,
} from "./fields.ts";
import { declareRoute, HOLDERS, requireHolder, routes } from "./route.ts";

/** Behind a gateway or behind a pool: the fields of the other one are null. */
const resourceObject = z
  .object({
    id: z.string(),
    name: z.string(),
    gatewayId: z.string().nullable(),
    gatewayName: z.string().nullable(),
    poolId: z.string().nullable(),
    poolName: z.string().nullable(),
    host: z.string(),
    port,
    kind: resourceKind,
    createdAt: time,
    updatedAt: time,
  })
  .openapi("Resource");

const checkedResource = resourceObject.extend({ warnings: z.array(z.string()) });

/** At most one of them. */
const place = {
  gatewayId: z.uuid().optional(),
  gatewayName: gatewayName.optional(),
  poolId: z.uuid().optional(),
  poolName: relayName.optional(),
};

const create = declareRoute(
  { to: HOLDERS, right: "create-resources" },
  {
    method: "post",
    path: "/api/v1/resources",
    summary: "Create a resource",
    request: {
      body: jsonBody(
        z.object({
          name: gatewayName,
          ...place,
          host: targetHost,
          /** The kind's usual one unless told. */
          port: port.optional(),
          kind: resourceKind.default("tcp"),
        }),
      ),
    },
    responses: answers(checkedResource, "The new resource, and what may be wrong with it"),
  },
);

const list = declareRoute(
  { to: HOLDERS, right: "list-resources" },
  {
    method: "get",
    path: "/api/v1/resources",
    summary: "List resources",
    responses: answers(z.array(resourceObject), "The organisation's resources"),
  },
);

const get = declareRoute(
  { to: HOLDERS, right: "list-resources" },
  {
    method: "get",
    path: "/api/v1/resources/{idOrName}",
    summary: "Show a resource",
    request: { params: idOrName },
    responses: answers(resourceObject, "The resource"),
  },
);

const update = declareRoute(
  { to: HOLDERS, right: "edit-resources" },
  {
    method: "patch",
    path: "/api/v1/resources/{idOrName}",
    summary: "Change a resource",
    request: {
      params: idOrName,
      body: jsonBody(
        z.object({
          name: gatewayName.optional(),
          ...place,
          host: targetHost.optional(),
          port: port.optional(),
          kind: resourceKind.optional(),
        }),
      ),
    },
    responses: answers(
      checkedResource,
      "The resource as it is now; another target or place cuts what is open to the former one",
    ),
  },
);

const remove = declareRoute(
  { to: HOLDERS, right: "delete-resources" },
  {
    method: "delete",
    path: "/api/v1/resources/{idOrName}",
    summary: "Delete a resource",
    request: { params: idOrName },
    responses: answers(resourceObject, "The resource that was"),
  },
);

const resourceAccessRequest = accessRequest.extend({
  /** `accessId` of an answer that led nowhere: its gateway is passed over for a while. */
  failedAccessId: z.uuid().optional(),
});

const access = declareRoute(
  { to: HOLDERS, right: "connect-resources" },
  {
    method: "post",
    path: "/api/v1/resources/{idOrName}/access",
    summary: "Reach a resource",
    request: { params: idOrName, body: optionalJsonBody(resourceAccessRequest) },
    responses: answers(
      accessAnswer,
      "Certificates to dial with; behind a pool, through the member that does best at this moment",
    ),
  },
);

/** Named targets behind gateways and pools. */
export const resourceRoutes = routes()
  .openapi(create, async (c) => {
    const holder = requireHolder(c.var.actor);
    return c.json(toChecked(await createResource(c.var.services.core, holder, c.req.valid("json"))), 200);
  })
  .openapi(list, async (c) => {
    const resources = await listOwnResources(c.var.services.core, requireHolder(c.var.actor));
    return c.json(resources.map(toResource), 200);
  })
  .openapi(get, async (c) => {
    const holder = requireHolder(c.var.actor);
    return c.json(
      toResource(await getResource(c.var.services.core, holder, c.req.valid("param").idOrName)),
      200,
    );
  })
  .openapi(update, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { idOrName: named } = c.req.valid("param");
    const changed = await updateResource(c.var.services.core, holder, named, c.req.valid("json"));
    return c.json(toChecked(changed), 200);
  })
  .openapi(remove, async (c) => {
    const holder = requireHolder(c.var.actor);
    const resource = await removeResource(c.var.services.core, holder, c.req.valid("param").idOrName);
    return c.json(toResource(resource), 200);
  })
  .openapi(access, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { idOrName: named } = c.req.valid("param");
    return c.json(await accessResource(c.var.services, holder, named, c.req.valid("json")), 200);
  });

function toChecked({ resource, warnings }: CheckedResource): z.infer<typeof checkedResource> {
  return { ...toResource(resource), warnings };
}

function toResource(row: ResourceRow): z.infer<typeof resourceObject> {
  return {
    id: row.id,
    name: row.name,
    gatewayId: row.gateway_id,
    gatewayName: row.gateway_name,
    poolId: row.pool_id,
    poolName: row.pool_name,
    host: row.host,
    port: row.port,
    kind: row.kind,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
