import { z } from "@hono/zod-openapi";
import { SallyportError } from "../../telemetry/error.ts";
import type { Actor } from "../services/actors.ts";
import type { Core } from "../services/core.ts";
import { requireRelayOf } from "../services/identities/identity-relays.ts";
import { reportTunnels } from "../services/relays/tunnel-reports.ts";
import { findInstanceRelay } from "../store/relays.ts";
import { answers, jsonBody, relayName } from "./fields.ts";
import { declareRoute, routes } from "./route.ts";

/** In one report; a relay with more makes several. */
const TUNNELS = 500;

const report = declareRoute(
  { to: ["relay", "relay-secret", "identity"], right: "create-relays" },
  {
    method: "post",
    path: "/api/v1/relays/tunnels",
    summary: "Report a relay's tunnels",
    request: {
      body: jsonBody(
        z.object({
          relayName: relayName
            .optional()
            .openapi({ description: "The instance relay that asks with the shared secret" }),
          opened: z
            .array(
              z.object({
                gatewayId: z.uuid(),
                generation: z
                  .int()
                  .min(0)
                  .max(2 ** 31 - 1),
              }),
            )
            .max(TUNNELS),
          closed: z.array(z.uuid()).max(TUNNELS),
          leaseSeconds: z.int().min(0).max(300),
          complete: z.boolean().default(false),
        }),
      ),
    },
    responses: answers(
      z.object({
        complete: z.boolean(),
        refused: z.array(z.object({ gatewayId: z.string(), generation: z.int().nullable() })),
      }),
      "What the relay is to cut, and whether it has to say everything again",
    ),
  },
);

/** Relays say which tunnels they hold (EXTENSIONS X7). */
export const relayTunnelRoutes = routes().openapi(report, async (c) => {
  const { core, probes } = c.var.services;
  const { relayName: name, ...said } = c.req.valid("json");
  const relayId = await relayOf(core, c.var.actor, name);
  const { appeared, returned, ...answer } = await reportTunnels(core, relayId, said);
  probes.lookInto({ gateways: appeared, relays: returned ? [relayId] : [] });
  return c.json(answer, 200);
});

async function relayOf(core: Core, actor: Actor, name: string | undefined): Promise<string> {
  if (actor.kind === "relay-secret") return await instanceRelay(core, name);
  return (await requireRelayOf(core, actor)).relayId;
}

async function instanceRelay(core: Core, name: string | undefined): Promise<string> {
  const relay = name === undefined ? undefined : await findInstanceRelay(core.store.read, name);
  if (relay) return relay.id;
  throw new SallyportError(
    "NOT_FOUND",
    "There is no such instance relay: register it, then give its relayName.",
  );
}
