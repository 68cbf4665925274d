import { z } from "@hono/zod-openapi";
import {
  createRelay,
  drainRelay,
  generateRelayToken,
  getRelay,
  listVisibleRelays,
  removeRelay,
  revokeRelayAccess,
  updateRelay,
} from "../services/relays.ts";
import type { RelayRow, RelayView } from "../store/relays.ts";
import {
  answers,
  authMethod,
  authMethodRequest,
  enrollmentToken,
  idParameter,
  jsonBody,
  message,
  port,
  relayHost,
  relayName,
  time,
} from "./fields.ts";
import { declareRoute, HOLDERS, requireHolder, routes } from "./route.ts";

/** PROTOCOL A.3; `sshPort` and `tlsPort` are EXTENSIONS X2. */
const relayObject = z
  .object({
    id: z.string(),
    createdAt: time,
    updatedAt: time,
    orgId: z.string().nullable(),
    identityId: z.string().nullable(),
    name: z.string(),
    host: z.string(),
    sshPort: port.optional(),
    tlsPort: port.optional(),
    heartbeat: time,
    healthAlertedAt: time,
  })
  .openapi("Relay");

const relayDetail = relayObject
  .extend({ canRevoke: z.boolean(), authMethod: authMethod.nullable() })
  .openapi("RelayDetail");

const list = declareRoute(
  { to: [...HOLDERS, "gateway"], right: "list-relays" },
  {
    method: "get",
    path: "/api/v1/relays",
    responses: answers(z.array(relayObject), "Instance relays, then the organisation's"),
  },
);

const create = declareRoute(
  { to: HOLDERS, right: "create-relays" },
  {
    method: "post",
    path: "/api/v2/relays",
    request: {
      body: jsonBody(
        z.object({
          name: relayName,
          host: relayHost,
          authMethod: authMethodRequest.default({ method: "token" }),
        }),
      ),
    },
    responses: answers(relayDetail, "The new relay"),
  },
);

const get = declareRoute(
  { to: HOLDERS, right: "list-relays" },
  {
    method: "get",
    path: "/api/v2/relays/{id}",
    request: { params: idParameter },
    responses: answers(relayDetail, "The relay"),
  },
);

const update = declareRoute(
  { to: HOLDERS, right: "edit-relays" },
  {
    method: "patch",
    path: "/api/v2/relays/{id}",
    request: {
      params: idParameter,
      body: jsonBody(z.object({ host: relayHost.optional(), authMethod: authMethodRequest.optional() })),
    },
    responses: answers(relayDetail, "The relay as it is now"),
  },
);

const remove = declareRoute(
  { to: HOLDERS, right: "delete-relays" },
  {
    method: "delete",
    path: "/api/v1/relays/{id}",
    request: { params: idParameter },
    responses: answers(relayObject, "The relay that was"),
  },
);

const revoke = declareRoute(
  { to: HOLDERS, right: "revoke-relay-access" },
  {
    method: "post",
    path: "/api/v2/relays/{id}/revoke",
    request: { params: idParameter },
    responses: answers(z.object({ method: z.string() }), "Its tokens are worthless"),
  },
);

const drain = declareRoute(
  { to: HOLDERS, right: "edit-relays" },
  {
    method: "post",
    path: "/api/v1/relays/{id}/drain",
    request: { params: idParameter },
    responses: answers(message, "The relay is asked to end; its gateways are asked to move first"),
  },
);

const generateToken = declareRoute(
  { to: HOLDERS, right: "edit-relays" },
  {
    method: "post",
    path: "/api/v2/relays/{id}/token-auth/generate-enrollment-token",
    request: { params: idParameter },
    responses: answers(enrollmentToken, "Good for one login within the hour"),
  },
);

/** Relays as people manage them and as gateways choose them (PROTOCOL A.3). */
export const relayRoutes = routes()
  .openapi(list, async (c) => {
    const { actor, services } = c.var;
    const { orgId } = actor.kind === "gateway" ? actor : requireHolder(actor);
    const relays = await listVisibleRelays(services.core, orgId);
    return c.json(relays.map(toRelay), 200);
  })
  .openapi(create, async (c) => {
    const { name, host } = c.req.valid("json");
    const relay = await createRelay(c.var.services.core, requireHolder(c.var.actor), { name, host });
    return c.json(toRelayDetail(relay), 200);
  })
  .openapi(get, async (c) => {
    const holder = requireHolder(c.var.actor);
    return c.json(toRelayDetail(await getRelay(c.var.services.core, holder, c.req.valid("param").id)), 200);
  })
  .openapi(update, async (c) => {
    const { host } = c.req.valid("json");
    const holder = requireHolder(c.var.actor);
    const relay = await updateRelay(c.var.services.core, holder, c.req.valid("param").id, { host });
    return c.json(toRelayDetail(relay), 200);
  })
  .openapi(remove, async (c) => {
    const holder = requireHolder(c.var.actor);
    return c.json(toRelay(await removeRelay(c.var.services.core, holder, c.req.valid("param").id)), 200);
  })
  .openapi(revoke, async (c) => {
    const holder = requireHolder(c.var.actor);
    const method = await revokeRelayAccess(c.var.services.core, holder, c.req.valid("param").id);
    return c.json({ method }, 200);
  })
  .openapi(drain, async (c) => {
    const holder = requireHolder(c.var.actor);
    await drainRelay(c.var.services.core, holder, c.req.valid("param").id);
    return c.json({ message: "The relay is asked to drain" }, 200);
  })
  .openapi(generateToken, async (c) => {
    const holder = requireHolder(c.var.actor);
    return c.json(await generateRelayToken(c.var.services.core, holder, c.req.valid("param").id), 200);
  });

function toRelay(row: RelayRow): z.infer<typeof relayObject> {
  return {
    id: row.id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    orgId: row.org_id,
    identityId: row.identity_id,
    name: row.name,
    host: row.host,
    ...(row.ssh_port !== null && { sshPort: row.ssh_port }),
    ...(row.tls_port !== null && { tlsPort: row.tls_port }),
    heartbeat: row.heartbeat,
    healthAlertedAt: row.health_alerted_at,
  };
}

function toRelayDetail(row: RelayView): z.infer<typeof relayDetail> {
  const own = row.org_id !== null && row.identity_id === null;
  return {
    ...toRelay(row),
    canRevoke: own && (row.token_version > 0 || row.pending_tokens > 0),
    authMethod:
      row.auth_method_id === null
        ? null
        : {
            id: row.auth_method_id,
            method: row.auth_method ?? "",
            createdAt: row.auth_method_created_at,
            updatedAt: row.auth_method_updated_at,
          },
  };
}
