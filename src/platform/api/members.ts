import { z } from "@hono/zod-openapi";
import { changeMember, listOwnMembers, removeMember } from "../services/people/members.ts";
import type { MemberRow } from "../store/members.ts";
import { answers, jsonBody, time } from "./fields.ts";
import { personReference, roleObject, roleReference } from "./person-fields.ts";
import { declareRoute, HOLDERS, requireHolder, routes } from "./route.ts";

const memberObject = z
  .object({
    id: z.string(),
    email: z.string(),
    name: z.string().nullable(),
    role: roleObject,
    joinedAt: time,
  })
  .openapi("Member");

const path = "/api/v1/members/{idOrEmail}";

const list = declareRoute(
  { to: HOLDERS, right: "list-members" },
  {
    method: "get",
    path: "/api/v1/members",
    summary: "List the people of the organisation",
    responses: answers(z.array(memberObject), "The people of the organisation"),
  },
);

const update = declareRoute(
  { to: HOLDERS, right: "edit-members" },
  {
    method: "patch",
    path,
    summary: "Give a person another role",
    request: { params: personReference, body: jsonBody(z.object({ role: roleReference })) },
    responses: answers(memberObject, "The person as they are now; what only the old role allowed is cut"),
  },
);

const remove = declareRoute(
  { to: HOLDERS, right: "delete-members" },
  {
    method: "delete",
    path,
    summary: "Remove a person from the organisation",
    request: { params: personReference },
    responses: answers(memberObject, "Who that was; tokens are worthless and what they had open is cut"),
  },
);

/** The people of an organisation. */
export const memberRoutes = routes()
  .openapi(list, async (c) => {
    const members = await listOwnMembers(c.var.services.core, requireHolder(c.var.actor));
    return c.json(members.map(toMember), 200);
  })
  .openapi(update, async (c) => {
    const { idOrEmail } = c.req.valid("param");
    const holder = requireHolder(c.var.actor);
    return c.json(
      toMember(await changeMember(c.var.services.core, holder, idOrEmail, c.req.valid("json"))),
      200,
    );
  })
  .openapi(remove, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { idOrEmail } = c.req.valid("param");
    return c.json(toMember(await removeMember(c.var.services.core, holder, idOrEmail)), 200);
  });

function toMember(row: MemberRow): z.infer<typeof memberObject> {
  return {
    id: row.user_id,
    email: row.email,
    name: row.name,
    role: { id: row.role, name: row.role_name ?? row.role },
    joinedAt: row.created_at,
  };
}
