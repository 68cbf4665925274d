import type { Sql } from "../../store/database.ts";
import { findGateway } from "../../store/gateways.ts";
import { findHealth, listAgentReports, listOutcomes, type Subject } from "../../store/health.ts";
import { findLeaseEnd, listPresence } from "../../store/relay-tunnels.ts";
import { findRelay } from "../../store/relays.ts";
import { type GatewayFacts, gatewayHealth } from "./gateway-health.ts";
import type { SaidHealth } from "./health.ts";
import type { Moment } from "./moment.ts";
import { type RelayFacts, relayHealth } from "./relay-health.ts";
import { sayAgain } from "./say-again.ts";

/** How a gateway or a relay is, judged from all that is stored about it; undefined = it is gone. */
export async function judge(sql: Sql, subject: Subject, moment: Moment): Promise<Judged | undefined> {
  const { now } = moment;
  if ("gatewayId" in subject) {
    const facts = await gatewayFacts(sql, subject.gatewayId);
    if (!facts) return undefined;
    const said = sayAgain(gatewayHealth(facts, moment), facts.health, now);
    return { subject, orgId: facts.orgId, before: facts.health, now: said };
  }
  const facts = await relayFacts(sql, subject.relayId);
  if (!facts) return undefined;
  const said = sayAgain(relayHealth(facts, moment), facts.health, now);
  return { subject, orgId: facts.relay.org_id, before: facts.health, now: said };
}

export interface Judged {
  subject: Subject;
  /** null = a relay of the instance. */
  orgId: string | null;
  /** As it was said last. */
  before: GatewayFacts["health"];
  now: SaidHealth;
}

async function gatewayFacts(sql: Sql, id: string): Promise<(GatewayFacts & { orgId: string }) | undefined> {
  const gateway = await findGateway(sql, id);
  if (!gateway) return undefined;
  return {
    kind: "gateway",
    name: gateway.name,
    orgId: gateway.org_id,
    gateway,
    relays: await listPresence(sql, { gatewayId: id }),
    ...(await agentFacts(sql, id)),
  };
}

async function relayFacts(sql: Sql, id: string): Promise<RelayFacts | undefined> {
  const relay = await findRelay(sql, id);
  if (!relay) return undefined;
  const leaseExpiresAt = await findLeaseEnd(sql, id);
  return { kind: "relay", name: relay.name, relay, leaseExpiresAt, ...(await agentFacts(sql, id)) };
}

async function agentFacts(sql: Sql, id: string) {
  return {
    health: await findHealth(sql, id),
    outcomes: await listOutcomes(sql, id),
    reports: await listAgentReports(sql, id),
  };
}
