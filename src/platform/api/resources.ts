import { z } from "@hono/zod-openapi";
import { grantAccess } from "../services/access.ts";
import { requireGrant } from "../services/grants.ts";
import {
  createResource,
  gatewayOfResource,
  getResource,
  listOwnResources,
  removeResource,
} from "../services/resources.ts";
import type { ResourceRow } from "../store/resources.ts";
import { accessAnswer, accessRequest, targetHost, targetKind } from "./access-objects.ts";
import { answers, gatewayName, idOrName, jsonBody, optionalJsonBody, port, time } from "./fields.ts";
import { declareRoute, HOLDERS, requireHolder, routes } from "./route.ts";

const resourceObject = z
  .object({
    id: z.string(),
    name: z.string(),
    gatewayId: z.string(),
    gatewayName: z.string(),
    host: z.string(),
    port,
    kind: targetKind,
    createdAt: time,
    updatedAt: time,
  })
  .openapi("Resource");

const create = declareRoute(
  { to: HOLDERS, right: "create-resources" },
  {
    method: "post",
    path: "/api/v1/resources",
    request: {
      body: jsonBody(
        z.object({
          name: gatewayName,
          gatewayId: z.uuid().optional(),
          gatewayName: gatewayName.optional(),
          host: targetHost,
          port,
          kind: targetKind.default("tcp"),
        }),
      ),
    },
    responses: answers(
      resourceObject.extend({ warnings: z.array(z.string()) }),
      "The new resource, and what may be wrong with it",
    ),
  },
);

const list = declareRoute(
  { to: HOLDERS, right: "list-resources" },
  {
    method: "get",
    path: "/api/v1/resources",
    responses: answers(z.array(resourceObject), "The organisation's resources"),
  },
);

const get = declareRoute(
  { to: HOLDERS, right: "list-resources" },
  {
    method: "get",
    path: "/api/v1/resources/{idOrName}",
    request: { params: idOrName },
    responses: answers(resourceObject, "The resource"),
  },
);

const remove = declareRoute(
  { to: HOLDERS, right: "delete-resources" },
  {
    method: "delete",
    path: "/api/v1/resources/{idOrName}",
    request: { params: idOrName },
    responses: answers(resourceObject, "The resource that was"),
  },
);

const access = declareRoute(
  { to: HOLDERS, right: "connect-resources" },
  {
    method: "post",
    path: "/api/v1/resources/{idOrName}/access",
    request: { params: idOrName, body: optionalJsonBody(accessRequest) },
    responses: answers(accessAnswer, "Certificates to dial with"),
  },
);

/** Named targets behind gateways. */
export const resourceRoutes = routes()
  .openapi(create, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { resource, warnings } = await createResource(c.var.services.core, holder, c.req.valid("json"));
    return c.json({ ...toResource(resource), warnings }, 200);
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
  .openapi(remove, async (c) => {
    const holder = requireHolder(c.var.actor);
    const resource = await removeResource(c.var.services.core, holder, c.req.valid("param").idOrName);
    return c.json(toResource(resource), 200);
  })
  .openapi(access, async (c) => {
    const { core } = c.var.services;
    const holder = requireHolder(c.var.actor);
    const { relayCsr, gatewayCsr } = c.req.valid("json");
    const resource = await getResource(core, holder, c.req.valid("param").idOrName);
    const grant = await requireGrant(core, holder, resource);
    const gateway = await gatewayOfResource(core, resource);
    const target = { host: resource.host, port: resource.port, kind: resource.kind };
    const request = { gateway, resourceId: resource.id, target, grant, relayCsr, gatewayCsr };
    return c.json(await grantAccess(core, holder, request), 200);
  });

function toResource(row: ResourceRow): z.infer<typeof resourceObject> {
  return {
    id: row.id,
    name: row.name,
    gatewayId: row.gateway_id,
    gatewayName: row.gateway_name,
    host: row.host,
    port: row.port,
    kind: row.kind,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
