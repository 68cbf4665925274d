import type { Raised } from "../../../telemetry/conditions.ts";
import type { GatewayRow } from "../../store/gateways.ts";
import type { ProbeOutcome } from "../../store/health.ts";
import type { PresenceRow } from "../../store/relay-tunnels.ts";
import { tunnelState } from "../gateways/presence.ts";
import { type AgentFacts, agentConditions, isLate, withOwnWords } from "./agent-conditions.ts";
import { Deadlines } from "./deadlines.ts";
import { type Health, isTrouble } from "./health.ts";
import type { Moment } from "./moment.ts";
import { type Way, wayThrough } from "./way.ts";

/** All that is known of a gateway, in one moment. */
export interface GatewayFacts extends AgentFacts {
  gateway: Pick<GatewayRow, "name" | "heartbeat" | "heartbeat_ttl">;
  /** The relays that it has declared, best first. */
  relays: PresenceRow[];
  /** What the platform saw through each of them. */
  outcomes: ProbeOutcome[];
}

/**
 * How a gateway is, and why: the only place where that is decided. A relay's reports count while its lease runs and
 * beat older probes; without them the probes count, for as long as the gateway promised (PROTOCOL E, EXTENSIONS X7).
 * Healthy = no trouble is known; Unreachable = no way to it is left; Degraded = anything between.
 */
export function gatewayHealth(facts: GatewayFacts, moment: Moment): Health {
  const { gateway, relays } = facts;
  const { now } = moment;
  const deadlines = new Deadlines(moment);
  const isUp = relays.some((relay) => tunnelState(relay, now) === "up");
  const isRevoked = Boolean(facts.health?.revoked_at);
  if (gateway.heartbeat === null && gateway.heartbeat_ttl === null && !isUp && !isRevoked) {
    return { status: "unregistered", conditions: [], until: null };
  }
  const ways = relays.map((relay) => wayThrough(relay, facts, now, deadlines));
  const isLost = isRevoked || ways.every(({ works }) => works === false);
  const raised = [
    ...ways.flatMap(({ raised: trouble }) => trouble ?? []),
    ...agentConditions(facts, deadlines),
    ...wholeGateway(facts, ways, isLost, deadlines),
  ];
  const conditions = withOwnWords(raised, facts, deadlines);
  const status = isLost ? "unreachable" : conditions.some(isTrouble) ? "degraded" : "healthy";
  return { status, conditions, until: deadlines.next };
}

/** What is about no relay alone. */
function wholeGateway(facts: GatewayFacts, ways: Way[], isLost: boolean, deadlines: Deadlines): Raised[] {
  const { name, relays } = facts;
  const raised: Raised[] = [];
  if (relays.length === 0) {
    raised.push({
      code: "NO_RELAY",
      since: "",
      text: `The relays of the gateway ${name} were deleted.`,
      fix: "Restart the gateway, so that it chooses another relay, or start it with --relay.",
    });
  }
  const [only] = relays;
  if (only && relays.length === 1) {
    raised.push({
      code: "ONE_RELAY",
      since: "",
      text: `The gateway ${name} uses the relay ${only.name} and no other one.`,
      fix: "With a second relay it stays reachable when one is restarted or lost.",
    });
  }
  if (ways.length > 0 && ways.every(({ state }) => state === "down") && isLate(facts, deadlines)) {
    raised.push({
      code: "GATEWAY_SILENT",
      since: "",
      text: `The gateway ${name} has no tunnel and does not call the platform: its process does not run, or its machine has no network.`,
      fix: `On its machine: "sallyport gateway status ${name}", then "sallyport doctor gateway ${name}".`,
    });
  }
  if (isLost)
    raised.push({
      code: "GATEWAY_UNREACHABLE",
      since: "",
      text: `No way to the gateway ${name} is left.`,
      fix: "",
    });
  return raised;
}
