import type { PlatformEvent } from "../../../platform-client/events.ts";
import { atOnce } from "../../store/at-once.ts";
import type { Sql } from "../../store/database.ts";
import {
  ensureHealth,
  markGatewaysOfRelayDue,
  type Subject,
  storeDue,
  storeHealth,
} from "../../store/health.ts";
import { emitAll } from "../events/events.ts";
import { type Judged, judgeGateways, judgeRelays } from "./facts.ts";
import { isTrouble } from "./health.ts";
import { momentOf } from "./moment.ts";
import { isNews } from "./say-again.ts";

/** After a change it is looked at once more: two changes at once do not see each other. */
const AGAIN_MS = 5000;
/** At the latest. */
const LOOK_MS = 600_000;

/**
 * Judges these anew after something that is known of them has changed, or just by the time, stores what is to be said
 * of them and tells who follows. Goes last in a transaction (see `emit`).
 */
export async function recordHealth(sql: Sql, subjects: Subject[], now: Date): Promise<void> {
  const said: Parameters<typeof emitAll>[1] = [];
  const moment = await momentOf(sql, now);
  const remember = async (judged: Judged[]) => {
    const news = await atOnce(judged.map((one) => store(sql, one, now)));
    for (const [i, one] of judged.entries())
      if (news[i]) said.push({ about: aboutOf(one), event: eventOf(one) });
  };
  const relays = subjects.flatMap((subject) => ("relayId" in subject ? subject.relayId : []));
  const gateways = subjects.flatMap((subject) => ("gatewayId" in subject ? subject.gatewayId : []));
  // Relays first: what is wrong with them explains what is wrong with gateways.
  await remember(await judgeRelays(sql, [...new Set(relays)], moment));
  await remember(await judgeGateways(sql, [...new Set(gateways)], moment));
  await emitAll(sql, said, now.toISOString());
}

/** @returns whether there is news */
async function store(sql: Sql, { subject, before, now: said }: Judged, now: Date): Promise<boolean> {
  const subjectId = idOf(subject);
  const news = isNews(said, before);
  const next = Math.min(said.until?.getTime() ?? Number.POSITIVE_INFINITY, now.getTime() + LOOK_MS);
  const dueAt = new Date(news ? Math.min(next, now.getTime() + AGAIN_MS) : next).toISOString();
  const conditions = JSON.stringify(said.conditions);
  if (!news && before?.conditions === conditions) {
    // A deadline that moves on with every heartbeat is not worth a write each time.
    if (before.due_at <= now.toISOString() || before.due_at > dueAt) await storeDue(sql, subjectId, dueAt);
    return false;
  }
  if (!before) await ensureHealth(sql, subject, now.toISOString());
  await storeHealth(sql, { subjectId, status: said.status, since: said.since, conditions, dueAt });
  if (news && "relayId" in subject) await markGatewaysOfRelayDue(sql, subjectId, now.toISOString());
  return news;
}

function aboutOf({ subject, orgId }: Judged) {
  return { orgId, ...subject };
}

function eventOf({ subject, now: { status, conditions } }: Judged): PlatformEvent {
  const [worst] = conditions.filter(isTrouble);
  const cause = worst && { cause: { code: worst.code, text: worst.text } };
  return "gatewayId" in subject
    ? { type: "gateway.health", gatewayId: subject.gatewayId, status, ...cause }
    : { type: "relay.health", relayId: subject.relayId, status, ...cause };
}

function idOf(subject: Subject): string {
  return "gatewayId" in subject ? subject.gatewayId : subject.relayId;
}
