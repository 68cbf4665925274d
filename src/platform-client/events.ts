import { z } from "zod";

/**
 * What happens on a platform, as its event stream says it (EXTENSIONS X4). The platform writes by these shapes, relays,
 * gateways and the UI read by them; types that are not here are from a newer platform and are skipped.
 */

const id = z.string().min(1).max(64);
const generation = z.int().nonnegative();
/** Of certificates, lower-case hex without leading zeros. */
const serials = z.array(z.string().regex(/^[0-9a-f]{1,40}$/));

/** Serials in one event; more make several events. */
export const SERIALS_PER_EVENT = 500;
/** In one snapshot: the newest. */
export const SERIALS_PER_SNAPSHOT = 20_000;

const status = z.enum(["unregistered", "healthy", "degraded", "unreachable"]);
const cause = z.object({ code: z.string().max(64), text: z.string().max(500) }).optional();

/** Certificates of authorities, or keys of SSH authorities: see `pki/fingerprint.ts`. */
const fingerprints = z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(100);

/** Newer certificates and authorities are to be fetched. */
const authoritiesChanged = z.object({
  type: z.literal("authorities.changed"),
  /** All who hear it spread over this time; undefined = as they like. */
  withinSeconds: z.number().int().nonnegative().max(3600).optional(),
  /** Nothing that these have signed counts any more, from this moment. */
  distrusted: fingerprints.optional(),
});

/** For a platform that does not say. */
const SPREAD_SECONDS = 60;

/** Within how many milliseconds to ask for newer certificates. */
export function renewalSpreadMs({ withinSeconds }: z.infer<typeof authoritiesChanged>): number {
  return (withinSeconds ?? SPREAD_SECONDS) * 1000;
}

export const platformEvent = z.discriminatedUnion("type", [
  /** Generations below this one are refused; the present session is cut. */
  z.object({ type: z.literal("gateway.revoked"), gatewayId: id, generation }),
  /** Enrolled again: generations below this one are refused; the present session drains. */
  z.object({ type: z.literal("gateway.rotated"), gatewayId: id, generation }),
  z.object({ type: z.literal("gateway.deleted"), gatewayId: id }),
  z.object({ type: z.literal("access.ended"), serials: serials.max(SERIALS_PER_EVENT) }),
  z.object({ type: z.literal("relay.revoked"), relayId: id }),
  /** It takes nothing new and ends soon; its gateways had better be elsewhere by then. */
  z.object({ type: z.literal("relay.drain"), relayId: id, relayName: z.string().max(64).optional() }),
  authoritiesChanged,
  z.object({ type: z.literal("gateway.health"), gatewayId: id, status, cause }),
  z.object({ type: z.literal("relay.health"), relayId: id, status, cause }),
  /** For the platform itself, which tells it to nobody: who follows as a person or a machine identity may have to end. */
  z.object({ type: z.literal("holders.changed") }),
  z.object({ type: z.literal("connection.opened"), connectionId: id, gatewayId: id }),
  z.object({ type: z.literal("connection.closed"), connectionId: id, gatewayId: id }),
]);
export type PlatformEvent = z.infer<typeof platformEvent>;
export type PlatformEventType = PlatformEvent["type"];

/** Sent first where the events since the last one known can't be told: the state of everything in scope. */
export const platformSnapshot = z.object({
  /** Lower generations are refused; a gateway that is missing does not exist any more. */
  gateways: z.array(z.object({ gatewayId: id, generation })).max(100_000),
  serials: serials.max(SERIALS_PER_SNAPSHOT),
});
export type PlatformSnapshot = z.infer<typeof platformSnapshot>;

export function isPlatformEventType(text: string): text is PlatformEventType {
  return KNOWN.has(text);
}

const KNOWN = new Set<string>(platformEvent.options.map((option) => option.shape.type.value));
