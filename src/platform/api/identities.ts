import { z } from "@hono/zod-openapi";
import {
  changeIdentity,
  createIdentity,
  getIdentity,
  listIdentities,
  removeIdentity,
} from "../services/identities/identities.ts";
import { createSecret, listIdentitySecrets, revokeSecret } from "../services/identities/identity-secrets.ts";
import type { IdentityView } from "../store/identities.ts";
import type { IdentitySecretRow } from "../store/identity-secrets.ts";
import { answers, gatewayName, idOrName, jsonBody, time } from "./fields.ts";
import { declareRoute, HOLDERS, requireHolder, routes } from "./route.ts";

const YEAR = 366 * 24 * 3600;
/** Infisical's clients renew 5 s before the end (PROTOCOL 0.5), so shorter ones would hardly count. */
const seconds = z.int().min(60).max(YEAR);

const identityObject = z
  .object({
    id: z.string(),
    name: z.string(),
    orgId: z.string(),
    role: z.string().openapi({ description: "A built-in role, or the id of one of the organisation's own" }),
    roleName: z.string(),
    clientId: z.string(),
    accessTokenTTL: z.int(),
    accessTokenMaxTTL: z.int(),
    secretCount: z.int(),
    /** What runs as this identity. */
    gatewayName: z.string().nullable(),
    relayName: z.string().nullable(),
    createdAt: time,
    updatedAt: time,
    lastLoginAt: time,
  })
  .openapi("Identity");

const secretObject = z
  .object({
    id: z.string(),
    description: z.string(),
    clientSecretPrefix: z.string(),
    clientSecretNumUses: z.int(),
    /** 0 = as often as wanted. */
    clientSecretNumUsesLimit: z.int(),
    expiresAt: time,
    createdAt: time,
    lastUsedAt: time,
  })
  .openapi("IdentitySecret");

const role = z.string().min(1).max(64);
const path = "/api/v1/identities";
const secretsPath = "/api/v1/auth/universal-auth/identities/{idOrName}/client-secrets";

const list = declareRoute(
  { to: HOLDERS, right: "list-identities" },
  {
    method: "get",
    path,
    summary: "List machine identities",
    responses: answers(z.array(identityObject), "The organisation's machine identities"),
  },
);

const create = declareRoute(
  { to: HOLDERS, right: "create-identities" },
  {
    method: "post",
    path,
    summary: "Create a machine identity",
    request: {
      body: jsonBody(
        z.object({
          name: gatewayName,
          role: role.default("no-access"),
          accessTokenTTL: seconds.default(15 * 60),
          accessTokenMaxTTL: seconds.default(24 * 3600),
        }),
      ),
    },
    responses: answers(identityObject, "The new machine identity; it logs in once it has a secret"),
  },
);

const get = declareRoute(
  { to: HOLDERS, right: "list-identities" },
  {
    method: "get",
    path: `${path}/{idOrName}`,
    summary: "Show a machine identity",
    request: { params: idOrName },
    responses: answers(identityObject, "The machine identity"),
  },
);

const update = declareRoute(
  { to: HOLDERS, right: "edit-identities" },
  {
    method: "patch",
    path: `${path}/{idOrName}`,
    summary: "Change a machine identity",
    request: {
      params: idOrName,
      body: jsonBody(
        z.object({
          name: gatewayName.optional(),
          role: role.optional(),
          accessTokenTTL: seconds.optional(),
          accessTokenMaxTTL: seconds.optional(),
        }),
      ),
    },
    responses: answers(identityObject, "The machine identity as it is now"),
  },
);

const remove = declareRoute(
  { to: HOLDERS, right: "delete-identities" },
  {
    method: "delete",
    path: `${path}/{idOrName}`,
    summary: "Delete a machine identity",
    request: { params: idOrName },
    responses: answers(identityObject, "The machine identity that was; its tokens are worthless"),
  },
);

const listSecrets = declareRoute(
  { to: HOLDERS, right: "list-identities" },
  {
    method: "get",
    path: secretsPath,
    summary: "List a machine identity's secrets",
    request: { params: idOrName },
    responses: answers(z.array(secretObject), "Its secrets, without the secrets themselves"),
  },
);

const addSecret = declareRoute(
  { to: HOLDERS, right: "edit-identities" },
  {
    method: "post",
    path: secretsPath,
    summary: "Make a client secret",
    request: {
      params: idOrName,
      body: jsonBody(
        z.object({
          description: z.string().max(256).default(""),
          ttl: z.int().min(0).max(YEAR).default(0),
          numUsesLimit: z.int().min(0).max(1_000_000).default(0),
        }),
      ),
    },
    responses: answers(
      z.object({ clientId: z.string(), clientSecret: z.string(), clientSecretData: secretObject }),
      "The secret, shown this once",
    ),
  },
);

const dropSecret = declareRoute(
  { to: HOLDERS, right: "edit-identities" },
  {
    method: "post",
    path: `${secretsPath}/{secretId}/revoke`,
    summary: "Revoke a client secret",
    request: { params: idOrName.extend({ secretId: z.uuid() }) },
    responses: answers(
      z.object({ clientSecretData: secretObject }),
      "The secret that was; every access token that it gave is worthless",
    ),
  },
);

/** Machine identities as people manage them. */
export const identityRoutes = routes()
  .openapi(list, async (c) => {
    const identities = await listIdentities(c.var.services.core, requireHolder(c.var.actor));
    return c.json(identities.map(toIdentity), 200);
  })
  .openapi(create, async (c) => {
    const holder = requireHolder(c.var.actor);
    return c.json(toIdentity(await createIdentity(c.var.services.core, holder, c.req.valid("json"))), 200);
  })
  .openapi(get, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { idOrName: named } = c.req.valid("param");
    return c.json(toIdentity(await getIdentity(c.var.services.core, holder, named)), 200);
  })
  .openapi(update, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { idOrName: named } = c.req.valid("param");
    const changed = await changeIdentity(c.var.services.core, holder, named, c.req.valid("json"));
    return c.json(toIdentity(changed), 200);
  })
  .openapi(remove, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { idOrName: named } = c.req.valid("param");
    return c.json(toIdentity(await removeIdentity(c.var.services.core, holder, named)), 200);
  })
  .openapi(listSecrets, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { idOrName: named } = c.req.valid("param");
    const secrets = await listIdentitySecrets(c.var.services.core, holder, named);
    return c.json(secrets.map(toSecret), 200);
  })
  .openapi(addSecret, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { idOrName: named } = c.req.valid("param");
    const made = await createSecret(c.var.services.core, holder, named, c.req.valid("json"));
    const { clientId, clientSecret, secret } = made;
    return c.json({ clientId, clientSecret, clientSecretData: toSecret(secret) }, 200);
  })
  .openapi(dropSecret, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { idOrName: named, secretId } = c.req.valid("param");
    const secret = await revokeSecret(c.var.services.core, holder, named, secretId);
    return c.json({ clientSecretData: toSecret(secret) }, 200);
  });

function toIdentity(row: IdentityView): z.infer<typeof identityObject> {
  return {
    id: row.id,
    name: row.name,
    orgId: row.org_id,
    role: row.role,
    roleName: row.role_name ?? row.role,
    clientId: row.client_id,
    accessTokenTTL: row.access_token_ttl,
    accessTokenMaxTTL: row.access_token_max_ttl,
    secretCount: row.secret_count,
    gatewayName: row.gateway_name,
    relayName: row.relay_name,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    lastLoginAt: row.last_login_at,
  };
}

function toSecret(row: IdentitySecretRow): z.infer<typeof secretObject> {
  return {
    id: row.id,
    description: row.description,
    clientSecretPrefix: row.hint,
    clientSecretNumUses: row.uses,
    clientSecretNumUsesLimit: row.uses_limit ?? 0,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  };
}
