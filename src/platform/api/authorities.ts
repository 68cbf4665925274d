import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { nameHolder } from "../services/actors.ts";
import { replaceAuthorities } from "../services/authorities/authority-replacement.ts";
import { INSTANCE } from "../services/authorities/in-force.ts";
import {
  type Author,
  abortRotation,
  showAuthorities,
  startRotation,
} from "../services/authorities/rotation.ts";
import type { ApiEnv } from "./env.ts";
import { answers, optionalJsonBody } from "./fields.ts";
import { declareRoute, HOLDERS, type Needed, requireHolder, routes } from "./route.ts";

const MONTH_SECONDS = 30 * 24 * 60 * 60;
const seconds = z.int().min(1).max(MONTH_SECONDS);

const authorities = z
  .object({
    generation: z.int().openapi({ description: "Counts the sets of authorities, from 1" }),
    rotation: z
      .object({
        phase: z.enum(["distributing", "retiring"]),
        startedAt: z.string(),
        since: z.string(),
        nextPhaseAt: z.string().openapi({ description: "At the latest" }),
        waitingFor: z
          .array(z.object({ kind: z.enum(["relay", "gateway"]), id: z.string(), name: z.string() }))
          .openapi({ description: "Connected, and without the new authorities yet" }),
      })
      .nullable(),
  })
  .openapi("Authorities");

const rotation = z.object({
  overlapSeconds: seconds
    .optional()
    .openapi({ description: "For those who can't be seen to have the new authorities; 24 h unless told" }),
  retireAfterSeconds: seconds.optional().openapi({
    description: "Until the old ones are not trusted any more; as long as their certificates run",
  }),
});

/** The same for the caller's organisation and for the instance. */
function authorityRoutesAt<P extends string>(base: P, reading: Needed, changing: Needed, what: string) {
  const common = { responses: answers(authorities, `The authorities of ${what}`) };
  return {
    show: declareRoute(
      { to: HOLDERS, right: reading },
      { ...common, method: "get", path: base, summary: "Show the authorities, and how their rotation goes" },
    ),
    rotate: declareRoute(
      { to: HOLDERS, right: changing },
      {
        ...common,
        method: "post",
        path: `${base}/rotate`,
        summary: "Rotate the authorities without an interruption",
        request: { body: optionalJsonBody(rotation) },
      },
    ),
    abort: declareRoute(
      { to: HOLDERS, right: changing },
      {
        ...common,
        method: "post",
        path: `${base}/abort-rotation`,
        summary: "Take new authorities back before they issue",
      },
    ),
    replace: declareRoute(
      { to: HOLDERS, right: changing },
      {
        ...common,
        method: "post",
        path: `${base}/replace-compromised`,
        summary: "Replace stolen authorities at once",
      },
    ),
  };
}

const organisation = authorityRoutesAt(
  "/api/v1/authorities",
  "list-authorities",
  "rotate-authorities",
  "the caller's organisation",
);
const instance = authorityRoutesAt(
  "/api/v1/instance/authorities",
  "instance-administrator",
  "instance-administrator",
  "the instance, which those of all organisations are under",
);

/** Certificate authorities as people rotate them (ACCEPTANCE F7). */
export const authorityRoutes = routes()
  .openapi(organisation.show, async (c) => c.json(await present(c, ownOf(c)), 200))
  .openapi(organisation.rotate, async (c) => {
    await startRotation(c.var.services.core, authorOf(c), ownOf(c), c.req.valid("json"));
    return c.json(await present(c, ownOf(c)), 200);
  })
  .openapi(organisation.abort, async (c) => {
    await abortRotation(c.var.services.core, authorOf(c), ownOf(c));
    return c.json(await present(c, ownOf(c)), 200);
  })
  .openapi(organisation.replace, async (c) => {
    await replaceAuthorities(c.var.services.core, authorOf(c), ownOf(c));
    return c.json(await present(c, ownOf(c)), 200);
  })
  .openapi(instance.show, async (c) => c.json(await present(c, INSTANCE), 200))
  .openapi(instance.rotate, async (c) => {
    await startRotation(c.var.services.core, authorOf(c), INSTANCE, c.req.valid("json"));
    return c.json(await present(c, INSTANCE), 200);
  })
  .openapi(instance.abort, async (c) => {
    await abortRotation(c.var.services.core, authorOf(c), INSTANCE);
    return c.json(await present(c, INSTANCE), 200);
  })
  .openapi(instance.replace, async (c) => {
    await replaceAuthorities(c.var.services.core, authorOf(c), INSTANCE);
    return c.json(await present(c, INSTANCE), 200);
  });

function present(c: Context<ApiEnv>, owner: string): Promise<z.infer<typeof authorities>> {
  return showAuthorities(c.var.services.core, owner);
}

function ownOf(c: Context<ApiEnv>): string {
  return requireHolder(c.var.actor).orgId;
}

function authorOf(c: Context<ApiEnv>): Author {
  const holder = requireHolder(c.var.actor);
  return { actor: nameHolder(holder), address: holder.address };
}
