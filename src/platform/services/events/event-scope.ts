import { z } from "zod";
import type { PlatformEventType } from "../../../platform-client/events.ts";
import type { EventRow } from "../../store/events.ts";
import type { Right, Rights } from "../people/rights.ts";

/** Who follows, and so what they may hear of (EXTENSIONS X4, "Scope"). */
export type EventScope =
  /** Itself only. `generation` is that of its access token. */
  | { kind: "gateway"; orgId: string; gatewayId: string; generation: number }
  /** `orgId` null = an instance relay, which sees the gateways that may log in there. */
  | { kind: "relay"; orgId: string | null; relayId: string }
  /** A person or a machine identity: what their rights let them list. */
  | { kind: "holder"; orgId: string; holderId: string; rights: Rights };

type Rule = (scope: EventScope, row: EventRow) => boolean;

const RULES: Record<PlatformEventType, Rule> = {
  "gateway.revoked": aboutGateway,
  "gateway.rotated": aboutGateway,
  "gateway.deleted": aboutGateway,
  "access.ended": (scope, row) =>
    scope.kind === "holder" ? forHolder("list-connections", scope, row) : aboutGateway(scope, row),
  "relay.revoked": aboutRelay,
  "relay.drain": (scope, row) =>
    scope.kind === "gateway" ? row.org_id === null || row.org_id === scope.orgId : aboutRelay(scope, row),
  "authorities.changed": (scope, row) =>
    row.org_id === null || scope.orgId === row.org_id || isInAudience(scope, row),
  "holders.changed": () => false,
  "gateway.health": (scope, row) => forHolder("list-gateways", scope, row),
  "relay.health": (scope, row) => forHolder("list-relays", scope, row),
  "connection.opened": (scope, row) => forHolder("list-connections", scope, row),
  "connection.closed": (scope, row) => forHolder("list-connections", scope, row),
};

const BY_TYPE: ReadonlyMap<string, Rule> = new Map(Object.entries(RULES));

/** Whether this event is the subscriber's business. Looks at nothing but its arguments. */
export function mayHear(scope: EventScope, row: EventRow): boolean {
  return BY_TYPE.get(row.type)?.(scope, row) ?? false;
}

/** After this event the subscriber's own token is worthless: it hears that much, and its stream ends. */
export function isLastFor(scope: EventScope, row: EventRow): boolean {
  if (scope.kind === "relay") return row.type === "relay.revoked";
  return scope.kind === "gateway" && /^gateway\.(revoked|rotated|deleted)$/.test(row.type);
}

/** After this event the subscriber's token may be worthless, or its rights others. */
export function isShakenBy(scope: EventScope, row: EventRow): boolean {
  return row.type === "holders.changed" && scope.kind === "holder" && scope.orgId === row.org_id;
}

function aboutGateway(scope: EventScope, row: EventRow): boolean {
  if (scope.kind === "gateway") return row.gateway_id === scope.gatewayId && isNews(scope.generation, row);
  if (scope.kind === "relay")
    return scope.orgId === null ? isInAudience(scope, row) : scope.orgId === row.org_id;
  return forHolder("list-gateways", scope, row);
}

function aboutRelay(scope: EventScope, row: EventRow): boolean {
  if (scope.kind === "relay") return row.relay_id === scope.relayId;
  return forHolder("list-relays", scope, row);
}

/** What belongs to the instance, its relays, is seen in every organisation. */
function forHolder(right: Right, scope: EventScope, row: EventRow): boolean {
  return (
    scope.kind === "holder" && scope.rights.has(right) && (row.org_id === null || row.org_id === scope.orgId)
  );
}

function isInAudience(scope: EventScope, row: EventRow): boolean {
  if (scope.kind !== "relay") return false;
  return audience.parse(JSON.parse(row.relay_audience)).includes(scope.relayId);
}

/** A gateway that has just logged in need not hear of its own login. */
function isNews(generation: number, row: EventRow): boolean {
  const said = generations.safeParse(JSON.parse(row.data)).data;
  return said === undefined || said.generation > generation;
}

const audience = z.array(z.string());
const generations = z.object({ generation: z.number() });
