import { z } from "@hono/zod-openapi";
import { isBuiltInRole, RIGHT_NAMES, RIGHTS } from "../services/people/rights.ts";
import type { Role } from "../services/people/role-reach.ts";
import { changeRole, createRole, getRole, listOwnRoles, removeRole } from "../services/people/roles.ts";
import { answers, gatewayName, idOrName, jsonBody } from "./fields.ts";
import { right } from "./person-fields.ts";
import { declareRoute, HOLDERS, requireHolder, routes } from "./route.ts";

const roleDetail = z
  .object({ id: z.string(), name: z.string(), builtIn: z.boolean(), rights: z.array(right) })
  .openapi("Role");

const name = gatewayName.refine((text) => !isBuiltInRole(text), "this is the name of a built-in role");
const rights = z.array(right).max(RIGHT_NAMES.length);
const path = "/api/v1/roles/{idOrName}";

const catalogue = declareRoute(
  { to: HOLDERS, right: "list-roles" },
  {
    method: "get",
    path: "/api/v1/rights",
    summary: "List every right",
    responses: answers(
      z.array(z.object({ name: right, description: z.string() })),
      "Every right that a role can have",
    ),
  },
);

const list = declareRoute(
  { to: HOLDERS, right: "list-roles" },
  {
    method: "get",
    path: "/api/v1/roles",
    summary: "List roles",
    responses: answers(z.array(roleDetail), "The built-in roles, then the organisation's own"),
  },
);

const get = declareRoute(
  { to: HOLDERS, right: "list-roles" },
  {
    method: "get",
    path,
    summary: "Show a role",
    request: { params: idOrName },
    responses: answers(roleDetail, "The role"),
  },
);

const create = declareRoute(
  { to: HOLDERS, right: "create-roles" },
  {
    method: "post",
    path: "/api/v1/roles",
    summary: "Create a role",
    request: { body: jsonBody(z.object({ name, rights })) },
    responses: answers(roleDetail, "The new role"),
  },
);

const update = declareRoute(
  { to: HOLDERS, right: "edit-roles" },
  {
    method: "patch",
    path,
    summary: "Change a role",
    request: {
      params: idOrName,
      body: jsonBody(z.object({ name: name.optional(), rights: rights.optional() })),
    },
    responses: answers(roleDetail, "The role as it is now, for everybody who has it"),
  },
);

const remove = declareRoute(
  { to: HOLDERS, right: "delete-roles" },
  {
    method: "delete",
    path,
    summary: "Delete a role",
    request: { params: idOrName },
    responses: answers(roleDetail, "The role that was; refused while somebody has it"),
  },
);

/** Named sets of rights. */
export const roleRoutes = routes()
  .openapi(catalogue, (c) => {
    return c.json(
      RIGHT_NAMES.map((one) => ({ name: one, description: RIGHTS[one] })),
      200,
    );
  })
  .openapi(list, async (c) => {
    const roles = await listOwnRoles(c.var.services.core, requireHolder(c.var.actor));
    return c.json(roles.map(toRole), 200);
  })
  .openapi(get, async (c) => {
    const holder = requireHolder(c.var.actor);
    return c.json(toRole(await getRole(c.var.services.core, holder, c.req.valid("param").idOrName)), 200);
  })
  .openapi(create, async (c) => {
    const holder = requireHolder(c.var.actor);
    return c.json(toRole(await createRole(c.var.services.core, holder, c.req.valid("json"))), 200);
  })
  .openapi(update, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { idOrName: named } = c.req.valid("param");
    return c.json(toRole(await changeRole(c.var.services.core, holder, named, c.req.valid("json"))), 200);
  })
  .openapi(remove, async (c) => {
    const holder = requireHolder(c.var.actor);
    return c.json(toRole(await removeRole(c.var.services.core, holder, c.req.valid("param").idOrName)), 200);
  });

function toRole(role: Role): z.infer<typeof roleDetail> {
  const { id, name: called, rights: allowed } = role;
  return { id, name: called, builtIn: isBuiltInRole(id), rights: [...allowed] };
}
