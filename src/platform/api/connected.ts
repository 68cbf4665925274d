import { z } from "@hono/zod-openapi";
import { getGateway } from "../services/gateways/gateways.ts";
import { getRelay } from "../services/relays/relays.ts";
import { listGatewaysAtRelay } from "../store/relays.ts";
import { listGatewayResources } from "../store/resources.ts";
import { resourceKind } from "./access-objects.ts";
import { answers, idParameter, time } from "./fields.ts";
import { declareRoute, HOLDERS, requireHolder, routes } from "./route.ts";

/** Infisical's own kinds of things behind a gateway: this platform has none of them, and programs look for the lists. */
const none = z.array(z.object({ id: z.string() }));
const NONE = { appConnections: [], dynamicSecrets: [], kubernetesAuths: [], pkiDiscoveryConfigs: [] };

/** What is behind a gateway or a pool. */
export const connectedResources = z.object({
  appConnections: none,
  dynamicSecrets: none,
  kubernetesAuths: none,
  pkiDiscoveryConfigs: none,
  resources: z.array(z.object({ id: z.string(), name: z.string(), kind: resourceKind })),
});

export function toConnected(
  resources: z.infer<typeof connectedResources>["resources"],
): z.infer<typeof connectedResources> {
  return { ...NONE, resources };
}

const gatewayResources = declareRoute(
  { to: HOLDERS, right: "list-gateways" },
  {
    method: "get",
    path: "/api/v2/gateways/{id}/resources",
    summary: "List the resources behind a gateway",
    request: { params: idParameter },
    responses: answers(connectedResources, "What is behind the gateway itself; behind its pools see there"),
  },
);

const relayGateways = declareRoute(
  { to: HOLDERS, right: "list-gateways" },
  {
    method: "get",
    path: "/api/v2/relays/{id}/gateways",
    summary: "List the gateways of a relay",
    request: { params: idParameter },
    responses: answers(
      z.array(z.object({ id: z.string(), name: z.string(), createdAt: time, heartbeat: time })),
      "The organisation's gateways that asked for this relay last, whether their tunnels are up or not",
    ),
  },
);

/** What hangs on a gateway, and on a relay (PROTOCOL A.3). */
export const connectedRoutes = routes()
  .openapi(gatewayResources, async (c) => {
    const { core } = c.var.services;
    const { id } = await getGateway(core, requireHolder(c.var.actor), c.req.valid("param").id);
    const resources = await listGatewayResources(core.store.read, id);
    return c.json(toConnected(resources), 200);
  })
  .openapi(relayGateways, async (c) => {
    const { core } = c.var.services;
    const holder = requireHolder(c.var.actor);
    const { id } = await getRelay(core, holder, c.req.valid("param").id);
    const gateways = await listGatewaysAtRelay(core.store.read, holder.orgId, id);
    return c.json(
      gateways.map(({ id, name, created_at, heartbeat }) => ({ id, name, createdAt: created_at, heartbeat })),
      200,
    );
  });
