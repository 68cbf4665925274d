import { z } from "@hono/zod-openapi";
import { bootstrap } from "../services/bootstrap.ts";
import { logIn, logOut } from "../services/people.ts";
import { answers, jsonBody, message } from "./fields.ts";
import { emailAddress, organisationName } from "./person-fields.ts";
import { declareRoute, requirePerson, routes } from "./route.ts";

const login = declareRoute(["anyone"], {
  method: "post",
  path: "/api/v1/auth/login",
  request: { body: jsonBody(z.object({ email: emailAddress, password: z.string().min(1).max(256) })) },
  responses: answers(z.object({ accessToken: z.string(), expiresAt: z.string() }), "Logged in for 12 hours"),
});

const logout = declareRoute(
  { to: ["person"], right: "self" },
  {
    method: "post",
    path: "/api/v1/auth/logout",
    responses: answers(message, "The login is over; an API token that lasts is left alone"),
  },
);

const me = declareRoute(
  { to: ["person"], right: "self" },
  {
    method: "get",
    path: "/api/v1/auth/me",
    responses: answers(
      z.object({
        user: z.object({ id: z.string(), email: z.string() }),
        organisation: z.object({ id: z.string(), name: z.string() }),
      }),
      "Whose token this is",
    ),
  },
);

const firstAdministrator = declareRoute(["anyone"], {
  method: "post",
  path: "/api/v1/bootstrap",
  request: {
    body: jsonBody(
      z.object({
        token: z.string().min(1).max(512),
        email: emailAddress,
        organisation: organisationName,
      }),
    ),
  },
  responses: answers(
    z.object({
      organisationId: z.string(),
      organisation: z.string(),
      email: z.string(),
      password: z.string(),
      token: z.string(),
    }),
    "The first administrator; shown this once",
  ),
});

export const peopleRoutes = routes()
  .openapi(login, async (c) => {
    const { core, limiter } = c.var.services;
    return c.json(await logIn(core, limiter, { ...c.req.valid("json"), address: c.env.address }), 200);
  })
  .openapi(logout, async (c) => {
    await logOut(c.var.services.core, requirePerson(c.var.actor));
    return c.json({ message: "Logged out" }, 200);
  })
  .openapi(me, (c) => {
    const { userId, email, orgId, orgName } = requirePerson(c.var.actor);
    return c.json({ user: { id: userId, email }, organisation: { id: orgId, name: orgName } }, 200);
  })
  .openapi(firstAdministrator, async (c) => {
    const { core, limiter, onBootstrapped } = c.var.services;
    const { token, email, organisation } = c.req.valid("json");
    const address = c.env.address;
    limiter.attempt(address, "bootstrap");
    const made = await bootstrap(core, { setupToken: token, email, organisation, address });
    limiter.succeeded(address, "bootstrap");
    await onBootstrapped();
    return c.json(made, 200);
  });
