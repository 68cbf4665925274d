import { z } from "@hono/zod-openapi";
import type { Holder } from "../services/actors.ts";
import {
  createApiToken,
  listMemberTokens,
  listOwnTokens,
  revokeApiToken,
  revokeMemberToken,
} from "../services/login/api-tokens.ts";
import type { ApiTokenRow } from "../store/api-tokens.ts";
import { answers, idParameter, jsonBody, time } from "./fields.ts";
import { label, personReference } from "./person-fields.ts";
import { declareRoute, HOLDERS, requireHolder, requirePerson, routes } from "./route.ts";

const tokenObject = z
  .object({
    id: z.string(),
    kind: z.enum(["session", "token"]),
    name: z.string(),
    createdAt: time,
    expiresAt: time,
    lastUsedAt: time.openapi({ description: "To the minute; null = never" }),
    current: z.boolean().openapi({ description: "The request came with it" }),
  })
  .openapi("ApiToken");

const own = { to: ["person"], right: "self" } as const;

const list = declareRoute(own, {
  method: "get",
  path: "/api/v1/auth/tokens",
  summary: "List one's own sessions and API tokens",
  responses: answers(z.array(tokenObject), "The person's sessions and API tokens for this organisation"),
});

const create = declareRoute(own, {
  method: "post",
  path: "/api/v1/auth/tokens",
  summary: "Make an API token",
  request: {
    body: jsonBody(z.object({ name: label, expiresAt: z.iso.datetime({ offset: true }).optional() })),
  },
  responses: answers(tokenObject.extend({ token: z.string() }), "The token, shown this once"),
});

const revoke = declareRoute(own, {
  method: "delete",
  path: "/api/v1/auth/tokens/{id}",
  summary: "Revoke one's own session or API token",
  request: { params: idParameter },
  responses: answers(tokenObject, "What is worthless now"),
});

const listOfMember = declareRoute(
  { to: HOLDERS, right: "edit-members" },
  {
    method: "get",
    path: "/api/v1/members/{idOrEmail}/tokens",
    summary: "List a person's sessions and API tokens",
    request: { params: personReference },
    responses: answers(z.array(tokenObject), "What the person has for this organisation"),
  },
);

const revokeOfMember = declareRoute(
  { to: HOLDERS, right: "edit-members" },
  {
    method: "delete",
    path: "/api/v1/members/{idOrEmail}/tokens/{id}",
    summary: "Revoke a person's session or API token",
    request: { params: personReference.extend({ id: z.uuid() }) },
    responses: answers(tokenObject, "What is worthless now"),
  },
);

/** What people give to programs that act for them. */
export const tokenRoutes = routes()
  .openapi(list, async (c) => {
    const person = requirePerson(c.var.actor);
    const rows = await listOwnTokens(c.var.services.core, person);
    return c.json(
      rows.map((row) => toToken(row, person.tokenId)),
      200,
    );
  })
  .openapi(create, async (c) => {
    const person = requirePerson(c.var.actor);
    const made = await createApiToken(c.var.services.core, person, c.req.valid("json"));
    return c.json({ ...toToken(made, person.tokenId), token: made.token }, 200);
  })
  .openapi(revoke, async (c) => {
    const person = requirePerson(c.var.actor);
    const row = await revokeApiToken(c.var.services.core, person, c.req.valid("param").id);
    return c.json(toToken(row, person.tokenId), 200);
  })
  .openapi(listOfMember, async (c) => {
    const holder = requireHolder(c.var.actor);
    const rows = await listMemberTokens(c.var.services.core, holder, c.req.valid("param").idOrEmail);
    return c.json(
      rows.map((row) => toToken(row, currentOf(holder))),
      200,
    );
  })
  .openapi(revokeOfMember, async (c) => {
    const { idOrEmail: who, id } = c.req.valid("param");
    const holder = requireHolder(c.var.actor);
    const row = await revokeMemberToken(c.var.services.core, holder, { who, id });
    return c.json(toToken(row, currentOf(holder)), 200);
  });

/** A machine identity has none of these. */
function currentOf(holder: Holder): string | undefined {
  return holder.kind === "person" ? holder.tokenId : undefined;
}

function toToken(row: ApiTokenRow, currentId: string | undefined): z.infer<typeof tokenObject> {
  const { id, kind, name, created_at: createdAt, expires_at: expiresAt, last_used_at: lastUsedAt } = row;
  return { id, kind, name, createdAt, expiresAt, lastUsedAt, current: id === currentId };
}
