import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { bootstrap } from "../services/bootstrap.ts";
import type { Session } from "../services/login/sessions.ts";
import { listOwnOrganisations, switchOrganisation } from "../services/people/organisations.ts";
import { changePassword, logIn, logOut } from "../services/people/people.ts";
import type { ApiEnv } from "./env.ts";
import { answers, jsonBody, message } from "./fields.ts";
import { emailAddress, newPassword, organisationName, password, right, roleObject } from "./person-fields.ts";
import { declareRoute, HOLDERS, requireHolder, requirePerson, routes } from "./route.ts";
import { giveSessionCookie, requireSameOrigin, takeSessionCookie } from "./session-cookie.ts";

/** For browsers: the token goes into a cookie that no script can read, not into the answer. */
export const wantsCookie = z.boolean().default(false);

/** With a cookie there is no `accessToken`. */
export const sessionObject = z.object({ accessToken: z.string().optional(), expiresAt: z.string() });

const login = declareRoute(["anyone"], {
  method: "post",
  path: "/api/v1/auth/login",
  summary: "Log in with a password",
  request: { body: jsonBody(z.object({ email: emailAddress, password, cookie: wantsCookie })) },
  responses: answers(sessionObject, "Logged in for 12 hours"),
});

const logout = declareRoute(
  { to: ["person"], right: "self" },
  {
    method: "post",
    path: "/api/v1/auth/logout",
    summary: "Log out",
    responses: answers(message, "The login is over; an API token that lasts is left alone"),
  },
);

const organisationObject = z.object({ id: z.string(), name: z.string() });

const me = declareRoute(
  { to: HOLDERS, right: "self" },
  {
    method: "get",
    path: "/api/v1/auth/me",
    summary: "Who am I, and what may I do",
    responses: answers(
      z.object({
        user: z
          .object({ id: z.string(), email: z.string(), instanceAdmin: z.boolean() })
          .optional()
          .openapi({ description: "Absent for a machine identity" }),
        identity: z.object({ id: z.string(), name: z.string() }).optional(),
        organisation: organisationObject,
        role: z.string(),
        rights: z.array(right),
      }),
      "Whose token this is, and what it may do",
    ),
  },
);

const passwordChange = declareRoute(
  { to: ["person"], right: "self" },
  {
    method: "post",
    path: "/api/v1/auth/password",
    summary: "Change one's own password",
    request: { body: jsonBody(z.object({ currentPassword: password, newPassword })) },
    responses: answers(message, "Changed; every other session of the person is over"),
  },
);

const memberships = declareRoute(
  { to: ["person"], right: "self" },
  {
    method: "get",
    path: "/api/v1/auth/organisations",
    summary: "List one's own organisations",
    responses: answers(
      z.array(organisationObject.extend({ role: roleObject, current: z.boolean() })),
      "Where the person belongs",
    ),
  },
);

const switching = declareRoute(
  { to: ["person"], right: "self" },
  {
    method: "post",
    path: "/api/v1/auth/organisation",
    summary: "Go on in another organisation",
    request: { body: jsonBody(z.object({ organisation: z.string().min(1).max(64) })) },
    responses: answers(organisationObject.extend({ role: roleObject }), "The session goes on there"),
  },
);

const firstAdministrator = declareRoute(["anyone"], {
  method: "post",
  path: "/api/v1/bootstrap",
  summary: "Make the first administrator",
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

/** How people come in, who they are, and how they leave. */
export const peopleRoutes = routes()
  .openapi(login, async (c) => {
    const { cookie, ...credentials } = c.req.valid("json");
    if (cookie) requireSameOrigin(c);
    const session = await logIn(c.var.services.core, { ...credentials, address: c.env.address });
    return c.json(sessionAnswer(c, session, cookie), 200);
  })
  .openapi(logout, async (c) => {
    await logOut(c.var.services.core, requirePerson(c.var.actor));
    takeSessionCookie(c);
    return c.json({ message: "Logged out" }, 200);
  })
  .openapi(me, (c) => {
    const holder = requireHolder(c.var.actor);
    const { orgId, orgName, role, rights } = holder;
    const common = { organisation: { id: orgId, name: orgName }, role, rights: [...rights] };
    if (holder.kind === "identity") {
      return c.json({ identity: { id: holder.identityId, name: holder.name }, ...common }, 200);
    }
    const { userId: id, email, instanceAdmin } = holder;
    return c.json({ user: { id, email, instanceAdmin }, ...common }, 200);
  })
  .openapi(passwordChange, async (c) => {
    await changePassword(c.var.services.core, requirePerson(c.var.actor), c.req.valid("json"));
    return c.json({ message: "Changed" }, 200);
  })
  .openapi(memberships, async (c) => {
    const person = requirePerson(c.var.actor);
    const mine = await listOwnOrganisations(c.var.services.core, person);
    return c.json(
      mine.map((one) => ({ ...one, current: one.id === person.orgId })),
      200,
    );
  })
  .openapi(switching, async (c) => {
    const { organisation } = c.req.valid("json");
    return c.json(
      await switchOrganisation(c.var.services.core, requirePerson(c.var.actor), organisation),
      200,
    );
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

/** With `cookie`, after `requireSameOrigin`. */
export function sessionAnswer(c: Context<ApiEnv>, session: Session, cookie: boolean) {
  const { accessToken, expiresAt } = session;
  if (!cookie) return { accessToken, expiresAt };
  giveSessionCookie(c, session);
  return { expiresAt };
}
