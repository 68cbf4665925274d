import { z } from "@hono/zod-openapi";
import { requireGatewayOf } from "../services/identities/identity-gateways.ts";
import { answers, jsonBody } from "./fields.ts";
import { declareRoute, routes } from "./route.ts";

const report = declareRoute(
  { to: ["gateway", "identity"], right: "create-gateways" },
  {
    method: "post",
    path: "/api/v2/gateways/metrics",
    summary: "Report a gateway's load",
    request: { body: jsonBody(z.object({ activeChannels: z.int().min(0).max(1_000_000) })) },
    responses: answers(
      z.object({ gatewayId: z.string(), activeChannels: z.int(), nextReportSeconds: z.int() }),
      "Stored; pools prefer the gateway with the fewest connections",
    ),
  },
);

/** How busy a gateway is (PROTOCOL A.1, 6). */
export const gatewayLoadRoutes = routes().openapi(report, async (c) => {
  const { gatewayId } = await requireGatewayOf(c.var.services.core, c.var.actor);
  const { activeChannels } = c.req.valid("json");
  const nextReportSeconds = await c.var.services.loads.add(gatewayId, activeChannels);
  return c.json({ gatewayId, activeChannels, nextReportSeconds }, 200);
});
