import { z } from "@hono/zod-openapi";
import { grantAccess } from "../services/access/access.ts";
import { changeAuthMethod } from "../services/auth-methods/change.ts";
import type { Core } from "../services/core.ts";
import { renameGateway } from "../services/gateways/gateway-rename.ts";
import {
  createGateway,
  generateGatewayToken,
  getGateway,
  listGateways,
  removeGateway,
  resolveGateway,
  revokeGatewayAccess,
} from "../services/gateways/gateways.ts";
import { readPresence } from "../services/gateways/presence.ts";
import { readGatewayHealth, readHealth } from "../services/health/read.ts";
import type { GatewayEntry, GatewayView } from "../store/gateways.ts";
import { listPresence } from "../store/relay-tunnels.ts";
import { accessAnswer, accessRequest, targetHost, targetMode } from "./access-objects.ts";
import { authMethodRequest, toWish } from "./auth-method-objects.ts";
import {
  answers,
  enrollmentToken,
  gatewayName,
  idOrName,
  idParameter,
  jsonBody,
  message,
  port,
} from "./fields.ts";
import {
  gatewayDetail,
  gatewayListEntry,
  gatewayObject,
  toGateway,
  toGatewayDetail,
} from "./gateway-objects.ts";
import { toGatewayHealth } from "./health-objects.ts";
import { declareRoute, HOLDERS, requireHolder, routes } from "./route.ts";

const create = declareRoute(
  { to: HOLDERS, right: "create-gateways" },
  {
    method: "post",
    path: "/api/v3/gateways",
    summary: "Create a gateway",
    request: {
      body: jsonBody(
        z.object({ name: gatewayName, authMethod: authMethodRequest.default({ method: "token" }) }),
      ),
    },
    responses: answers(gatewayDetail, "The new gateway"),
  },
);

const get = declareRoute(
  { to: HOLDERS, right: "list-gateways" },
  {
    method: "get",
    path: "/api/v3/gateways/{id}",
    summary: "Show a gateway",
    request: { params: idParameter },
    responses: answers(gatewayDetail, "The gateway"),
  },
);

const update = declareRoute(
  { to: HOLDERS, right: "edit-gateways" },
  {
    method: "patch",
    path: "/api/v3/gateways/{id}",
    summary: "Change a gateway",
    request: {
      params: idParameter,
      body: jsonBody(z.object({ name: gatewayName.optional(), authMethod: authMethodRequest.optional() })),
    },
    responses: answers(gatewayDetail, "The gateway as it is now"),
  },
);

const list = declareRoute(
  { to: HOLDERS, right: "list-gateways" },
  {
    method: "get",
    path: "/api/v2/gateways",
    summary: "List gateways",
    responses: answers(z.array(gatewayListEntry), "The organisation's gateways"),
  },
);

const remove = declareRoute(
  { to: HOLDERS, right: "delete-gateways" },
  {
    method: "delete",
    path: "/api/v2/gateways/{id}",
    summary: "Delete a gateway",
    request: { params: idParameter },
    responses: answers(gatewayObject, "The gateway that was"),
  },
);

const revoke = declareRoute(
  { to: HOLDERS, right: "revoke-gateway-access" },
  {
    method: "post",
    path: "/api/v3/gateways/{id}/revoke",
    summary: "Revoke a gateway's access",
    request: { params: idParameter },
    responses: answers(z.object({ method: z.string() }), "Its tokens are worthless"),
  },
);

const generateToken = declareRoute(
  { to: HOLDERS, right: "edit-gateways" },
  {
    method: "post",
    path: "/api/v3/gateways/{id}/token-auth/generate-enrollment-token",
    summary: "Make a gateway's enrollment token",
    request: { params: idParameter },
    responses: answers(enrollmentToken, "Good for one login within the hour"),
  },
);

const triggerHeartbeat = declareRoute(
  { to: HOLDERS, right: "list-gateways" },
  {
    method: "post",
    path: "/api/v2/gateways/{id}/heartbeat",
    summary: "Look for a gateway now",
    request: { params: idParameter },
    responses: answers(message, "The platform reached the gateway"),
  },
);

const access = declareRoute(
  { to: HOLDERS, right: "connect-gateways" },
  {
    method: "post",
    path: "/api/v1/gateways/{idOrName}/access",
    summary: "Reach a target behind a gateway",
    request: {
      params: idOrName,
      body: jsonBody(accessRequest.extend({ targetHost, targetPort: port, kind: targetMode.default("tcp") })),
    },
    responses: answers(accessAnswer, "Certificates to dial with"),
  },
);

/** Gateways as people manage them (PROTOCOL A.3). */
export const gatewayRoutes = routes()
  .openapi(create, async (c) => {
    const { core } = c.var.services;
    const { name, authMethod } = c.req.valid("json");
    const made = await createGateway(core, requireHolder(c.var.actor), { name, wish: toWish(authMethod) });
    return c.json(await detail(core, made), 200);
  })
  .openapi(get, async (c) => {
    const { core } = c.var.services;
    const gateway = await getGateway(core, requireHolder(c.var.actor), c.req.valid("param").id);
    return c.json(await detail(core, gateway), 200);
  })
  .openapi(update, async (c) => {
    const { core } = c.var.services;
    const holder = requireHolder(c.var.actor);
    const { id } = c.req.valid("param");
    const { name, authMethod } = c.req.valid("json");
    if (name !== undefined) await renameGateway(core, holder, id, name);
    if (authMethod) await changeAuthMethod(core, holder, { kind: "gateway", id, wish: toWish(authMethod) });
    const gateway = await getGateway(core, holder, id);
    return c.json(await detail(core, gateway), 200);
  })
  .openapi(list, async (c) => {
    const { core } = c.var.services;
    const holder = requireHolder(c.var.actor);
    const [gateways, relaysOf, healthOf] = await Promise.all([
      listGateways(core, holder),
      readPresence(core, holder.orgId),
      readGatewayHealth(core, holder.orgId),
    ]);
    const now = core.now();
    const entries = gateways.map((row) => ({
      ...toGateway(row),
      health: toGatewayHealth(healthOf(row.id), relaysOf(row.id), now),
      identity: identityOf(row),
      connectedResourcesCount: row.resource_count,
    }));
    return c.json(entries, 200);
  })
  .openapi(remove, async (c) => {
    const holder = requireHolder(c.var.actor);
    return c.json(toGateway(await removeGateway(c.var.services.core, holder, c.req.valid("param").id)), 200);
  })
  .openapi(revoke, async (c) => {
    const holder = requireHolder(c.var.actor);
    const method = await revokeGatewayAccess(c.var.services.core, holder, c.req.valid("param").id);
    return c.json({ method }, 200);
  })
  .openapi(generateToken, async (c) => {
    const holder = requireHolder(c.var.actor);
    return c.json(await generateGatewayToken(c.var.services.core, holder, c.req.valid("param").id), 200);
  })
  .openapi(triggerHeartbeat, async (c) => {
    const { core, probes } = c.var.services;
    const gateway = await getGateway(core, requireHolder(c.var.actor), c.req.valid("param").id);
    await probes.gateway(gateway.id);
    return c.json({ message: "Successfully triggered heartbeat" }, 200);
  })
  .openapi(access, async (c) => {
    const { core } = c.var.services;
    const holder = requireHolder(c.var.actor);
    const { targetHost: host, targetPort, kind, relayCsr, gatewayCsr } = c.req.valid("json");
    const gateway = await resolveGateway(core, holder, c.req.valid("param").idOrName);
    const target = { host, port: targetPort, kind };
    return c.json(
      await grantAccess(core, holder, { gateway, resourceId: null, target, relayCsr, gatewayCsr }),
      200,
    );
  });

function identityOf({ identity_id: id, identity_name: name }: GatewayEntry) {
  return id === null || name === null ? null : { id, name };
}

async function detail(core: Core, row: GatewayView) {
  const relays = await listPresence(core.store.read, [row.id]);
  const said = await readHealth(core, { gatewayId: row.id });
  return toGatewayDetail(row, toGatewayHealth(said, relays, core.now()));
}
