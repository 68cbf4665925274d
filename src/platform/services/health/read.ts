import {
  findHealth,
  listGatewayHealth,
  listRelayHealth,
  type SaidRow,
  type Subject,
} from "../../store/health.ts";
import type { Core } from "../core.ts";
import { judge, judgeGateways, judgeRelays } from "./facts.ts";
import { isHealthStatus, readConditions, type SaidHealth } from "./health.ts";
import { momentOf } from "./moment.ts";

/** What nobody has said anything about yet. */
const NEW: SaidHealth = { status: "unregistered", since: "", conditions: [], until: null };
/** Judged anew for one reader: more than these have changed only while the platform was down, and are due anyway. */
const MOST_JUDGED = 100;

/** How a gateway or a relay is now. Every replica answers the same. */
export async function readHealth(core: Core, subject: Subject): Promise<SaidHealth> {
  const id = "gatewayId" in subject ? subject.gatewayId : subject.relayId;
  const row = await findHealth(core.store.read, id);
  if (!row) return NEW;
  if (isCurrent(row, core.now().toISOString())) return asSaid(row);
  const moment = await momentOf(core.store.read, core.now());
  return (await judge(core.store.read, subject, moment))?.now ?? NEW;
}

/** By id: all gateways of an organisation. Those that are missing are new. */
export async function readGatewayHealth(core: Core, orgId: string): Promise<HealthOf> {
  return await current(core, await listGatewayHealth(core.store.read, orgId));
}

/** By id: the relays of an organisation and of the instance. Those that are missing are new. */
export async function readRelayHealth(core: Core, orgId: string): Promise<HealthOf> {
  return await current(core, await listRelayHealth(core.store.read, orgId));
}

export type HealthOf = (id: string) => SaidHealth;

async function current(core: Core, rows: SaidRow[]): Promise<HealthOf> {
  const { read } = core.store;
  const now = core.now();
  const at = now.toISOString();
  const known = new Map(rows.map((row) => [row.subject_id, asSaid(row)]));
  const due = rows.filter((row) => !isCurrent(row, at)).slice(0, MOST_JUDGED);
  const moment = await momentOf(read, now);
  const relays = due.flatMap(({ relay_id: id }) => id ?? []);
  const gateways = due.flatMap(({ gateway_id: id }) => id ?? []);
  const judged = [
    ...(await judgeRelays(read, relays, moment)),
    ...(await judgeGateways(read, gateways, moment)),
  ];
  for (const { now: said, before } of judged) if (before) known.set(before.subject_id, said);
  return (id) => known.get(id) ?? NEW;
}

function isCurrent(row: SaidRow, now: string): boolean {
  return row.due_at > now;
}

function asSaid({ status, since, conditions, due_at }: SaidRow): SaidHealth {
  return {
    status: isHealthStatus(status) ? status : "unregistered",
    since,
    conditions: readConditions(conditions),
    until: new Date(due_at),
  };
}
