import { z } from "@hono/zod-openapi";
import { SallyportError } from "../../telemetry/error.ts";
import { findInstance } from "../store/instance.ts";
import { answers } from "./fields.ts";
import { declareRoute, routes } from "./route.ts";

const status = declareRoute(["anyone"], {
  method: "get",
  path: "/api/status",
  summary: "Whether the process is alive",
  responses: answers(
    z.object({ date: z.string(), message: z.string(), platformId: z.string() }),
    "The process is alive; the id is what agents sign for when they log in by AWS (EXTENSIONS X8)",
  ),
});

const health = declareRoute(["anyone"], {
  method: "get",
  path: "/api/health",
  summary: "Whether this replica takes requests",
  responses: answers(
    z.object({ message: z.string() }),
    "This replica takes requests: it is not shutting down, and its database answers; otherwise 503",
  ),
});

/** Whether the platform is well. */
export const statusRoutes = routes()
  .openapi(status, (c) => {
    const { core } = c.var.services;
    const platformId = core.keyring.instanceId;
    return c.json({ date: core.now().toISOString(), message: "Ok", platformId }, 200);
  })
  .openapi(health, async (c) => {
    const { core, isDraining } = c.var.services;
    if (isDraining()) {
      throw new SallyportError("RESOURCE_SHORTAGE", "This replica is shutting down: ask another one.");
    }
    const instance = await findInstance(core.store.read);
    if (!instance) throw new SallyportError("DATABASE_UNAVAILABLE", "The database is empty.");
    return c.json({ message: "Ok" }, 200);
  });
