import { z } from "@hono/zod-openapi";
import { changeOrganisation, createOrganisation } from "../services/people/organisations.ts";
import { answers, jsonBody } from "./fields.ts";
import { organisationName } from "./person-fields.ts";
import { declareRoute, HOLDERS, requireHolder, requirePerson, routes } from "./route.ts";

const organisationObject = z.object({ id: z.string(), name: z.string() }).openapi("Organisation");

const organisationSettings = organisationObject
  .extend({
    /** Nothing new may be put behind a single gateway (PROTOCOL H.4). */
    requireGatewayPools: z.boolean(),
  })
  .openapi("OrganisationSettings");

const create = declareRoute(
  { to: ["person"], right: "instance-administrator" },
  {
    method: "post",
    path: "/api/v1/organisations",
    summary: "Create an organisation",
    request: { body: jsonBody(z.object({ name: organisationName })) },
    responses: answers(organisationObject, "The new organisation; whoever made it administers it"),
  },
);

const update = declareRoute(
  { to: HOLDERS, right: "edit-organisation" },
  {
    method: "patch",
    path: "/api/v1/organisation",
    summary: "Rename the organisation, or change its rules",
    request: {
      body: jsonBody(
        z.object({ name: organisationName.optional(), requireGatewayPools: z.boolean().optional() }),
      ),
    },
    responses: answers(organisationSettings, "The caller's organisation as it is now"),
  },
);

/** Tenants of this platform. */
export const organisationRoutes = routes()
  .openapi(create, async (c) => {
    const { core } = c.var.services;
    const { id, name } = await createOrganisation(core, requirePerson(c.var.actor), c.req.valid("json").name);
    return c.json({ id, name }, 200);
  })
  .openapi(update, async (c) => {
    const holder = requireHolder(c.var.actor);
    return c.json(await changeOrganisation(c.var.services.core, holder, c.req.valid("json")), 200);
  });
