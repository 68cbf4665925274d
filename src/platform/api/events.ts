import { z } from "@hono/zod-openapi";
import { SallyportError } from "../../telemetry/error.ts";
import { type Actor, nameHolder } from "../services/actors.ts";
import type { Core } from "../services/core.ts";
import type { EventScope } from "../services/events/event-scope.ts";
import { requireGatewayOf } from "../services/identities/identity-gateways.ts";
import { requireRelayOf } from "../services/identities/identity-relays.ts";
import { lastWord } from "../services/login/superseded.ts";
import { requireRight } from "../services/people/rights.ts";
import { findInstanceRelay } from "../store/relays.ts";
import { EventStream } from "./event-stream.ts";
import { refusal, relayName } from "./fields.ts";
import { declareRoute, HOLDERS, holderCheck, routes } from "./route.ts";

const follow = declareRoute(
  { to: [...HOLDERS, "gateway", "relay", "relay-secret", "superseded"], right: "self" },
  {
    method: "get",
    path: "/api/v1/events",
    summary: "Follow what happens",
    request: {
      headers: z.object({
        // A browser that lost its stream sends this by itself; what is no id of ours is answered with a snapshot.
        "last-event-id": z.string().max(100).optional(),
      }),
      query: z.object({
        relayName: relayName
          .optional()
          .openapi({ description: "The instance relay that asks with the shared secret" }),
        as: z
          .enum(["gateway", "relay"])
          .optional()
          .openapi({ description: "As which a machine identity asks: the gateway or the relay that it is" }),
      }),
    },
    responses: {
      200: {
        description: "What happens, as server-sent events, with a comment every 15 s (EXTENSIONS X4)",
        content: { "text/event-stream": { schema: z.string() } },
      },
      default: { description: "Refused", content: { "application/json": { schema: refusal } } },
    },
  },
);

/** The last one is for nginx, which would hold events back. */
const HEADERS = { "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no" };

/** What relays, gateways and the UI follow. */
export const eventRoutes = routes().openapi(follow, async (c) => {
  const { core, feed } = c.var.services;
  if (c.var.actor.kind === "superseded") {
    const { type, ...data } = await lastWord(core, c.var.actor);
    return c.body(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`, 200, HEADERS);
  }
  const query = c.req.valid("query");
  const scope = await scopeOf(core, await agentOf(core, c.var.actor, query.as), query.relayName);
  const since = eventId(c.req.valid("header")["last-event-id"]);
  const { readable } = new EventStream({ feed, scope, since, isStillHolder: holderCheck(c) });
  return c.body(readable, 200, HEADERS);
});

/** A machine identity that is a gateway or a relay follows as that. */
async function agentOf(core: Core, actor: Actor, as: "gateway" | "relay" | undefined): Promise<Actor> {
  if (actor.kind !== "identity" || as === undefined) return actor;
  const [right, agent] =
    as === "gateway"
      ? (["create-gateways", requireGatewayOf] as const)
      : (["create-relays", requireRelayOf] as const);
  requireRight(actor, right);
  return await agent(core, actor);
}

async function scopeOf(core: Core, actor: Actor, relay: string | undefined): Promise<EventScope> {
  switch (actor.kind) {
    case "gateway": {
      const { orgId, gatewayId, tokenVersion } = actor;
      return { kind: "gateway", orgId, gatewayId, generation: tokenVersion };
    }
    case "relay":
      return { kind: "relay", orgId: actor.orgId, relayId: actor.relayId };
    case "person":
    case "identity": {
      const { orgId, rights } = actor;
      return { kind: "holder", orgId, holderId: nameHolder(actor).id, rights };
    }
    case "relay-secret": {
      const row = relay === undefined ? undefined : await findInstanceRelay(core.store.read, relay);
      if (!row) {
        throw new SallyportError(
          "NOT_FOUND",
          "There is no such instance relay: register it, then give its relayName.",
        );
      }
      return { kind: "relay", orgId: null, relayId: row.id };
    }
    case "superseded":
    case "anyone":
      throw new SallyportError("FORBIDDEN", "Events are not for everybody.");
  }
}

function eventId(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
