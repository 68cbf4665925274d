import { z } from "@hono/zod-openapi";
import { logInIdentity, renewIdentityToken } from "../services/identities/universal-auth.ts";
import { answers, jsonBody } from "./fields.ts";
import { declareRoute, routes } from "./route.ts";

/** PROTOCOL 0.5; whole seconds. */
const identityToken = z
  .object({
    accessToken: z.string(),
    expiresIn: z.int(),
    accessTokenMaxTTL: z.int(),
    tokenType: z.literal("Bearer"),
  })
  .openapi("IdentityToken");

const login = declareRoute(["anyone"], {
  method: "post",
  path: "/api/v1/auth/universal-auth/login",
  summary: "Log in as a machine identity",
  request: {
    body: jsonBody(
      z.object({
        clientId: z.string().min(1).max(128),
        clientSecret: z.string().min(1).max(512),
        organizationSlug: z.string().max(256).optional(),
      }),
    ),
  },
  responses: answers(identityToken, "Logged in as the machine identity"),
});

const renew = declareRoute(["anyone"], {
  method: "post",
  path: "/api/v1/auth/token/renew",
  summary: "Renew a machine identity's access token",
  request: { body: jsonBody(z.object({ accessToken: z.string().min(1).max(4096) })) },
  responses: answers(identityToken, "A newer token for the same login"),
});

/** How machine identities get access tokens. */
export const universalAuthRoutes = routes()
  .openapi(login, async (c) => {
    const { core, limiter } = c.var.services;
    const { clientId, clientSecret } = c.req.valid("json");
    const request = { clientId, clientSecret, address: c.env.address };
    return c.json(await logInIdentity(core, limiter, request), 200);
  })
  .openapi(renew, async (c) => {
    const { core, limiter } = c.var.services;
    const request = { accessToken: c.req.valid("json").accessToken, address: c.env.address };
    return c.json(await renewIdentityToken(core, limiter, request), 200);
  });
