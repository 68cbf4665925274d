import { z } from "@hono/zod-openapi";
import { connectionRecord } from "../../platform-client/connections.ts";
import { recordConnections } from "../services/connections.ts";
import { requireGatewayOf } from "../services/identities/identity-gateways.ts";
import { answers, jsonBody, message } from "./fields.ts";
import { declareRoute, routes } from "./route.ts";

const report = declareRoute(
  { to: ["gateway", "identity"], right: "create-gateways" },
  {
    method: "post",
    path: "/api/v1/gateways/connections",
    summary: "Report a gateway's connections",
    request: {
      body: jsonBody(z.object({ instance: z.uuid(), records: z.array(connectionRecord).max(100) })),
    },
    responses: answers(message, "Stored; what was stored before counts once"),
  },
);

/** Gateways account for every connection (EXTENSIONS X10). */
export const connectionRoutes = routes().openapi(report, async (c) => {
  const { core } = c.var.services;
  await recordConnections(core, await requireGatewayOf(core, c.var.actor), c.req.valid("json"));
  return c.json({ message: "Stored" }, 200);
});
