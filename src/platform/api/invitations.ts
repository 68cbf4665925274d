import { z } from "@hono/zod-openapi";
import { SallyportError } from "../../telemetry/error.ts";
import { invite, listOwnInvitations, withdrawInvitation } from "../services/people/invitations.ts";
import { acceptInvitation, joinOrganisation, readInvitation } from "../services/people/joining.ts";
import type { InvitationRow } from "../store/invitations.ts";
import { answers, idParameter, jsonBody, message, time } from "./fields.ts";
import { sessionAnswer, sessionObject, wantsCookie } from "./people.ts";
import { emailAddress, label, password, roleObject, roleReference } from "./person-fields.ts";
import { declareRoute, HOLDERS, requireHolder, requirePerson, routes } from "./route.ts";
import { requireSameOrigin } from "./session-cookie.ts";

/** A week, and at most a month. */
const validForHours = z.int().min(1).max(720).default(168);

const invitationObject = z
  .object({ id: z.string(), email: z.string(), role: roleObject, createdAt: time, expiresAt: time })
  .openapi("Invitation");

const create = declareRoute(
  { to: HOLDERS, right: "create-members" },
  {
    method: "post",
    path: "/api/v1/invitations",
    summary: "Invite a person",
    request: {
      body: jsonBody(z.object({ email: emailAddress, role: roleReference.default("member"), validForHours })),
    },
    responses: answers(
      z.object({
        id: z.string(),
        email: z.string(),
        role: roleObject,
        expiresAt: z.string(),
        link: z.string(),
      }),
      "The link, shown this once: pass it on to the person",
    ),
  },
);

const list = declareRoute(
  { to: HOLDERS, right: "list-members" },
  {
    method: "get",
    path: "/api/v1/invitations",
    summary: "List open invitations",
    responses: answers(z.array(invitationObject), "Those that still count"),
  },
);

const withdraw = declareRoute(
  { to: HOLDERS, right: "create-members" },
  {
    method: "delete",
    path: "/api/v1/invitations/{id}",
    summary: "Withdraw an invitation",
    request: { params: idParameter },
    responses: answers(message, "The link is worthless"),
  },
);

const token = z.string().min(1).max(512);

const look = declareRoute(["anyone"], {
  method: "post",
  path: "/api/v1/auth/invitation",
  summary: "Read an invitation",
  request: { body: jsonBody(z.object({ token })) },
  responses: answers(
    z.object({
      email: z.string(),
      organisation: z.string(),
      role: z.string(),
      expiresAt: z.string(),
      known: z.boolean().openapi({ description: "The person has a password on this platform already" }),
    }),
    "What the holder of a link is invited to",
  ),
});

const accept = declareRoute(["anyone"], {
  method: "post",
  path: "/api/v1/auth/invitation/accept",
  summary: "Accept an invitation with a password",
  request: {
    body: jsonBody(z.object({ token, password, name: label.optional(), cookie: wantsCookie })),
  },
  responses: answers(
    sessionObject.extend({ email: z.string(), organisation: z.object({ id: z.string(), name: z.string() }) }),
    "Joined, and logged in for 12 hours",
  ),
});

const join = declareRoute(
  { to: ["person"], right: "self" },
  {
    method: "post",
    path: "/api/v1/auth/invitation/join",
    summary: "Accept an invitation while logged in",
    request: { body: jsonBody(z.object({ token })) },
    responses: answers(
      z.object({ id: z.string(), name: z.string() }),
      "The organisation joined; the session stays where it is",
    ),
  },
);

/** How people come into an organisation, without e-mail. */
export const invitationRoutes = routes()
  .openapi(create, async (c) => {
    return c.json(await invite(c.var.services.core, requireHolder(c.var.actor), c.req.valid("json")), 200);
  })
  .openapi(list, async (c) => {
    const rows = await listOwnInvitations(c.var.services.core, requireHolder(c.var.actor));
    return c.json(rows.map(toInvitation), 200);
  })
  .openapi(withdraw, async (c) => {
    const { id } = c.req.valid("param");
    await withdrawInvitation(c.var.services.core, requireHolder(c.var.actor), id);
    return c.json({ message: "Withdrawn" }, 200);
  })
  .openapi(look, async (c) => {
    const { core, limiter } = c.var.services;
    const offer = await readInvitation(core, c.req.valid("json").token).catch((error: unknown) => {
      throw error instanceof SallyportError ? limiter.failed(c.env.address, "invitation", error) : error;
    });
    return c.json(offer, 200);
  })
  .openapi(accept, async (c) => {
    const { cookie, ...request } = c.req.valid("json");
    if (cookie) requireSameOrigin(c);
    const joined = await acceptInvitation(c.var.services.core, { ...request, address: c.env.address });
    const { email, organisation } = joined;
    return c.json({ ...sessionAnswer(c, joined, cookie), email, organisation }, 200);
  })
  .openapi(join, async (c) => {
    const person = requirePerson(c.var.actor);
    return c.json(await joinOrganisation(c.var.services.core, person, c.req.valid("json").token), 200);
  });

function toInvitation(row: InvitationRow): z.infer<typeof invitationObject> {
  return {
    id: row.id,
    email: row.email,
    role: { id: row.role, name: row.role_name ?? row.role },
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}
