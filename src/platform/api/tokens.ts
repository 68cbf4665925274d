import { z } from "@hono/zod-openapi";
import { createApiToken, listOwnTokens, revokeApiToken } from "../services/login/api-tokens.ts";
import type { ApiTokenRow } from "../store/api-tokens.ts";
import { answers, idParameter, jsonBody, time } from "./fields.ts";
import { label } from "./person-fields.ts";
import { declareRoute, requirePerson, routes } from "./route.ts";

const tokenObject = z
  .object({
    id: z.string(),
    kind: z.enum(["session", "token"]),
    name: z.string(),
    createdAt: time,
    expiresAt: time,
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
  });

function toToken(row: ApiTokenRow, currentId: string): z.infer<typeof tokenObject> {
  const { id, kind, name, created_at: createdAt, expires_at: expiresAt } = row;
  return { id, kind, name, createdAt, expiresAt, current: id === currentId };
}
