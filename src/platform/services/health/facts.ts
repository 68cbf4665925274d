import type { Sql } from "../../store/database.ts";
import { listGatewaysById } from "../../store/gateways.ts";
import {
  type AgentReportRow,
  type HealthRow,
  listAgentReports,
  listHealthOf,
  listOutcomes,
  type ProbeOutcome,
  type Subject,
} from "../../store/health.ts";
import { listLeaseEnds, listPresence } from "../../store/relay-tunnels.ts";
import { listRelaysById } from "../../store/relays.ts";
import { gatewayHealth } from "./gateway-health.ts";
import type { SaidHealth } from "./health.ts";
import type { Moment } from "./moment.ts";
import { relayHealth } from "./relay-health.ts";
import { sayAgain } from "./say-again.ts";

export interface Judged {
  subject: Subject;
  /** null = a relay of the instance. */
  orgId: string | null;
  /** As it was said last. */
  before: HealthRow | undefined;
  now: SaidHealth;
}

/** How a gateway or a relay is, judged from all that is stored about it; undefined = it is gone. */
export async function judge(sql: Sql, subject: Subject, moment: Moment): Promise<Judged | undefined> {
  const [judged] =
    "gatewayId" in subject
      ? await judgeGateways(sql, [subject.gatewayId], moment)
      : await judgeRelays(sql, [subject.relayId], moment);
  return judged;
}

/** The same for many, with as many statements as for one; those that are gone are missing. */
export async function judgeGateways(sql: Sql, ids: string[], moment: Moment): Promise<Judged[]> {
  const gateways = await listGatewaysById(sql, ids);
  const about = await agentFacts(sql, ids);
  const presence = Map.groupBy(await listPresence(sql, ids), (row) => row.gateway_id);
  return gateways.map((gateway) => {
    const { id, name } = gateway;
    const relays = presence.get(id) ?? [];
    const facts = { kind: "gateway" as const, name, gateway, relays, ...about(id) };
    const now = sayAgain(gatewayHealth(facts, moment), facts.health, moment.now);
    return { subject: { gatewayId: id }, orgId: gateway.org_id, before: facts.health, now };
  });
}

export async function judgeRelays(sql: Sql, ids: string[], moment: Moment): Promise<Judged[]> {
  const relays = await listRelaysById(sql, ids);
  const about = await agentFacts(sql, ids);
  const leases = new Map((await listLeaseEnds(sql, ids)).map((row) => [row.relay_id, row.expires_at]));
  return relays.map((relay) => {
    const { id, name } = relay;
    const leaseExpiresAt = leases.get(id) ?? null;
    const facts = { kind: "relay" as const, name, relay, leaseExpiresAt, ...about(id) };
    const now = sayAgain(relayHealth(facts, moment), facts.health, moment.now);
    return { subject: { relayId: id }, orgId: relay.org_id, before: facts.health, now };
  });
}

interface Known {
  health: HealthRow | undefined;
  outcomes: ProbeOutcome[];
  reports: AgentReportRow[];
}

/** What is known alike of gateways and relays. */
async function agentFacts(sql: Sql, ids: string[]): Promise<(id: string) => Known> {
  const health = new Map((await listHealthOf(sql, ids)).map((row) => [row.subject_id, row]));
  const outcomes = Map.groupBy(await listOutcomes(sql, ids), (row) => row.subject_id);
  const reports = Map.groupBy(await listAgentReports(sql, ids), (row) => row.subject_id);
  return (id) => ({
    health: health.get(id),
    outcomes: outcomes.get(id) ?? [],
    reports: reports.get(id) ?? [],
  });
}
