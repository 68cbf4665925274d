import { z } from "@hono/zod-openapi";
import { type TunnelState, tunnelState } from "../services/gateways/presence.ts";
import { HEALTH_STATUSES, isTrouble, type SaidHealth } from "../services/health/health.ts";
import type { Presence } from "../store/relay-tunnels.ts";
import { time } from "./fields.ts";

const condition = z
  .object({
    code: z.string(),
    title: z.string(),
    severity: z.enum(["info", "warning", "error"]),
    since: z.string().openapi({ format: "date-time" }),
    text: z.string(),
    fix: z.string(),
    impactsTraffic: z.boolean(),
    /** The relay that it is about, where there are several. */
    about: z.string().optional(),
  })
  .openapi("Condition");

/** EXTENSIONS X7: how it is, since when, and why; the worst comes first. */
export const health = z
  .object({
    status: z.enum(HEALTH_STATUSES),
    since: time,
    /** The worst condition that is more than an information. */
    cause: z.object({ code: z.string(), text: z.string(), fix: z.string() }).nullable(),
    conditions: z.array(condition),
  })
  .openapi("Health");

const TUNNEL_STATES = ["up", "down", "silent", "unreported"] as const satisfies TunnelState[];

/** The same with each tunnel, as the relay at its end says. */
export const gatewayHealth = health
  .extend({
    tunnels: z.array(
      z.object({ relayId: z.string(), relayName: z.string(), state: z.enum(TUNNEL_STATES), since: time }),
    ),
  })
  .openapi("GatewayHealth");

export function toHealth({ status, since, conditions }: SaidHealth): z.infer<typeof health> {
  const worst = conditions.find(isTrouble);
  const cause = worst ? { code: worst.code, text: worst.text, fix: worst.fix } : null;
  return { status, since: since === "" ? null : since, cause, conditions };
}

export function toGatewayHealth(
  said: SaidHealth,
  relays: Presence[],
  now: Date,
): z.infer<typeof gatewayHealth> {
  const tunnels = relays.map((relay) => ({
    relayId: relay.id,
    relayName: relay.name,
    state: tunnelState(relay, now),
    since: relay.tunnel_since,
  }));
  return { ...toHealth(said), tunnels };
}
