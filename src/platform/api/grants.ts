import { z } from "@hono/zod-openapi";
import {
  grantResource,
  listResourceGrants,
  revokeResourceAccess,
  ungrantResource,
} from "../services/access/grants.ts";
import type { GrantRow } from "../store/grants.ts";
import { answers, gatewayName, idOrName, jsonBody, optionalJsonBody, time } from "./fields.ts";
import { emailAddress } from "./person-fields.ts";
import { declareRoute, HOLDERS, requireHolder, routes } from "./route.ts";

const grantObject = z
  .object({
    id: z.string(),
    resourceId: z.string(),
    /** Of the person, or of the machine identity: two of the four are null. */
    userId: z.string().nullable(),
    email: z.string().nullable(),
    identityId: z.string().nullable(),
    identityName: z.string().nullable(),
    endsAt: time,
    createdAt: time,
    lastUsedAt: time,
  })
  .openapi("Grant");

const grantee = z.object({
  userId: z.uuid().optional(),
  email: emailAddress.optional(),
  identityId: z.uuid().optional(),
  identityName: gatewayName.optional(),
});

const path = "/api/v1/resources/{idOrName}/grants";

const list = declareRoute(
  { to: HOLDERS, right: "list-grants" },
  {
    method: "get",
    path,
    summary: "List a resource's grants",
    request: { params: idOrName },
    responses: answers(z.array(grantObject), "Who may reach the resource, besides administrators"),
  },
);

const grant = declareRoute(
  { to: HOLDERS, right: "create-grants" },
  {
    method: "post",
    path,
    summary: "Grant a resource",
    request: {
      params: idOrName,
      body: jsonBody(grantee.extend({ endsAt: z.iso.datetime({ offset: true }).optional() })),
    },
    responses: answers(grantObject, "The grant; one that was there has a new end"),
  },
);

const ungrant = declareRoute(
  { to: HOLDERS, right: "delete-grants" },
  {
    method: "delete",
    path,
    summary: "Take a grant back",
    request: { params: idOrName, body: jsonBody(grantee) },
    responses: answers(grantObject, "The grant that was; what it had opened is cut"),
  },
);

const revoke = declareRoute(
  { to: HOLDERS, right: "revoke-resource-access" },
  {
    method: "post",
    path: "/api/v1/resources/{idOrName}/access/revoke",
    summary: "Cut open connections to a resource",
    request: { params: idOrName, body: optionalJsonBody(grantee) },
    responses: answers(
      z.object({ ended: z.int() }),
      "Open connections are cut, one person's or everybody's; `ended` certificates are refused",
    ),
  },
);

/** Who may reach a resource, and for how long. */
export const grantRoutes = routes()
  .openapi(list, async (c) => {
    const holder = requireHolder(c.var.actor);
    const grants = await listResourceGrants(c.var.services.core, holder, c.req.valid("param").idOrName);
    return c.json(grants.map(toGrant), 200);
  })
  .openapi(grant, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { idOrName: named } = c.req.valid("param");
    return c.json(toGrant(await grantResource(c.var.services.core, holder, named, c.req.valid("json"))), 200);
  })
  .openapi(ungrant, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { idOrName: named } = c.req.valid("param");
    return c.json(
      toGrant(await ungrantResource(c.var.services.core, holder, named, c.req.valid("json"))),
      200,
    );
  })
  .openapi(revoke, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { idOrName: named } = c.req.valid("param");
    const ended = await revokeResourceAccess(c.var.services.core, holder, named, c.req.valid("json"));
    return c.json({ ended }, 200);
  });

function toGrant(row: GrantRow): z.infer<typeof grantObject> {
  return {
    id: row.id,
    resourceId: row.resource_id,
    userId: row.user_id,
    email: row.email,
    identityId: row.identity_id,
    identityName: row.identity_name,
    endsAt: row.ends_at,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  };
}
