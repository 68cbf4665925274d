import { z } from "@hono/zod-openapi";
import { SallyportError } from "../../telemetry/error.ts";
import { type Holder, isInstanceAdministrator } from "../services/actors.ts";
import { changeAuthMethod } from "../services/auth-methods/change.ts";
import type { Core } from "../services/core.ts";
import { readHealth, readRelayHealth } from "../services/health/read.ts";
import {
  createRelay,
  drainRelay,
  generateRelayToken,
  getRelay,
  listSelectableRelays,
  listVisibleRelays,
  removeRelay,
  revokeRelayAccess,
  updateRelay,
} from "../services/relays/relays.ts";
import type { RelayRow, RelayView } from "../store/relays.ts";
import { authMethod, authMethodRequest, toAuthMethod, toWish } from "./auth-method-objects.ts";
import {
  answers,
  enrollmentToken,
  idParameter,
  jsonBody,
  message,
  port,
  relayHost,
  relayName,
  time,
} from "./fields.ts";
import { health, toHealth } from "./health-objects.ts";
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
    /** Shared by all organisations of the instance. */
    managed: z.boolean(),
    /** Gateways that are not told which relay to use may choose it. */
    autoSelect: z.boolean(),
  })
  .openapi("Relay");

const relayListEntry = relayObject
  .extend({ health: health.optional().openapi({ description: "For people, not for gateways" }) })
  .openapi("RelayListEntry");

const relayDetail = relayObject
  .extend({ health, canRevoke: z.boolean(), authMethod: authMethod.nullable() })
  .openapi("RelayDetail");

const list = declareRoute(
  { to: [...HOLDERS, "gateway"], right: "list-relays" },
  {
    method: "get",
    path: "/api/v1/relays",
    summary: "List relays",
    responses: answers(z.array(relayListEntry), "Instance relays, then the organisation's"),
  },
);

const create = declareRoute(
  { to: HOLDERS, right: "create-relays" },
  {
    method: "post",
    path: "/api/v2/relays",
    summary: "Create a relay",
    request: {
      body: jsonBody(
        z.object({
          name: relayName,
          host: relayHost,
          /** Shared by all organisations; for administrators of the whole instance. */
          instance: z.boolean().default(false),
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
    summary: "Show a relay",
    request: { params: idParameter },
    responses: answers(relayDetail, "The relay"),
  },
);

const update = declareRoute(
  { to: HOLDERS, right: "edit-relays" },
  {
    method: "patch",
    path: "/api/v2/relays/{id}",
    summary: "Change a relay",
    request: {
      params: idParameter,
      body: jsonBody(
        z.object({
          host: relayHost.optional(),
          autoSelect: z.boolean().optional(),
          authMethod: authMethodRequest.optional(),
        }),
      ),
    },
    responses: answers(relayDetail, "The relay as it is now"),
  },
);

const remove = declareRoute(
  { to: HOLDERS, right: "delete-relays" },
  {
    method: "delete",
    path: "/api/v1/relays/{id}",
    summary: "Delete a relay",
    request: { params: idParameter },
    responses: answers(relayObject, "The relay that was"),
  },
);

const revoke = declareRoute(
  { to: HOLDERS, right: "revoke-relay-access" },
  {
    method: "post",
    path: "/api/v2/relays/{id}/revoke",
    summary: "Revoke a relay's access",
    request: { params: idParameter },
    responses: answers(z.object({ method: z.string() }), "Its tokens are worthless"),
  },
);

const drain = declareRoute(
  { to: HOLDERS, right: "edit-relays" },
  {
    method: "post",
    path: "/api/v1/relays/{id}/drain",
    summary: "Drain a relay",
    request: { params: idParameter },
    responses: answers(message, "The relay is asked to end; its gateways are asked to move first"),
  },
);

const healthCheck = declareRoute(
  { to: HOLDERS, right: "list-relays" },
  {
    method: "post",
    path: "/api/v1/relays/{id}/health-check",
    summary: "Look at a relay now",
    request: { params: idParameter },
    responses: answers(relayDetail, "The relay as the platform sees it now"),
  },
);

const generateToken = declareRoute(
  { to: HOLDERS, right: "edit-relays" },
  {
    method: "post",
    path: "/api/v2/relays/{id}/token-auth/generate-enrollment-token",
    summary: "Make a relay's enrollment token",
    request: { params: idParameter },
    responses: answers(enrollmentToken, "Good for one login within the hour"),
  },
);

/** Relays as people manage them and as gateways choose them (PROTOCOL A.3). */
export const relayRoutes = routes()
  .openapi(list, async (c) => {
    const { actor, services } = c.var;
    const { core } = services;
    if (actor.kind === "gateway") {
      return c.json((await listSelectableRelays(core, actor.orgId)).map(toRelay), 200);
    }
    const { orgId } = requireHolder(actor);
    const healthOf = await readRelayHealth(core, orgId);
    const relays = await listVisibleRelays(core, orgId);
    return c.json(
      relays.map((row) => ({ ...toRelay(row), health: toHealth(healthOf(row.id)) })),
      200,
    );
  })
  .openapi(create, async (c) => {
    const { name, host, instance, authMethod } = c.req.valid("json");
    const wanted = { name, host, instance, wish: toWish(authMethod) };
    const { core } = c.var.services;
    const holder = requireHolder(c.var.actor);
    const relay = await createRelay(core, holder, wanted);
    return c.json(await detail(core, holder, relay), 200);
  })
  .openapi(get, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { core } = c.var.services;
    return c.json(await detail(core, holder, await getRelay(core, holder, c.req.valid("param").id)), 200);
  })
  .openapi(update, async (c) => {
    const { host, autoSelect, authMethod } = c.req.valid("json");
    const { core } = c.var.services;
    const holder = requireHolder(c.var.actor);
    const { id } = c.req.valid("param");
    // Judged before anything changes: a refusal means that all is as it was.
    if (authMethod && host !== undefined) await core.hostRule.admit(host);
    if (authMethod) await changeAuthMethod(core, holder, { kind: "relay", id, wish: toWish(authMethod) });
    const relay = await updateRelay(core, holder, id, { host, autoSelect });
    return c.json(await detail(core, holder, relay), 200);
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
  .openapi(healthCheck, async (c) => {
    const { core, probes } = c.var.services;
    const holder = requireHolder(c.var.actor);
    const relay = await getRelay(core, holder, c.req.valid("param").id);
    await probes.relay(relay.id).catch(asFound);
    return c.json(await detail(core, holder, relay), 200);
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

/** What a look finds is what its caller wants to read; only a look that did not take place is refused. */
function asFound(error: unknown): void {
  if (error instanceof SallyportError && error.code !== "RESOURCE_SHORTAGE" && error.code !== "NOT_FOUND")
    return;
  throw error;
}

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
    managed: row.org_id === null,
    autoSelect: row.auto_select === 1,
  };
}

async function detail(core: Core, holder: Holder, row: RelayView): Promise<z.infer<typeof relayDetail>> {
  const isTheirs = row.org_id !== null || isInstanceAdministrator(holder);
  const own = isTheirs && row.auth_method_id !== null && row.identity_id === null;
  return {
    ...toRelay(row),
    health: toHealth(await readHealth(core, { relayId: row.id })),
    canRevoke: own && (row.token_version > 0 || row.pending_tokens > 0),
    authMethod:
      row.auth_method_id === null || row.auth_method === null
        ? null
        : toAuthMethod({ ...row, auth_method_id: row.auth_method_id, auth_method: row.auth_method }),
  };
}
