import { insertDelivery, listDeliveries, listTold } from "../../store/alert-deliveries.ts";
import { type DestinationRow, listAllDestinations } from "../../store/alert-destinations.ts";
import {
  type AlertRow,
  closeAlert,
  countEpisodes,
  listLoginFailures,
  listOpenAlerts,
  listTroubles,
  openAlert,
  raiseAlert,
  stampAlerted,
  updateAlert,
} from "../../store/alerts.ts";
import type { Sql } from "../../store/database.ts";
import type { Core } from "../core.ts";
import { readRules } from "./destinations.ts";
import { LASTING, LOGIN_FAILURES, loginTrouble, type Trouble, troublesOf } from "./rules.ts";

/** Without a destination that says otherwise trouble is on the list after this. */
const AFTER_SECONDS = 60;
/** All has to be well for so long before an alert is over; twice as long for each time it came back within the hour. */
const QUIET_MS = { first: 60_000, last: 1_800_000 };
const HOUR_MS = 3_600_000;

/** Alerts that one transaction changes. */
const BATCH = 100;

/**
 * Compares what is wrong with the alerts that are open: one alert for each episode, told when it has lasted long enough
 * and once more when it is over. What comes and goes stays one alert. One round, by one replica.
 */
export async function evaluateAlerts(core: Core): Promise<void> {
  const { read, transaction } = core.store;
  const now = core.now();
  const troubles = await listAll(read, now);
  const open = await listOpenAlerts(read);
  if (troubles.length === 0 && open.length === 0) return;
  const destinations = Map.groupBy(await listAllDestinations(read), (row) => row.org_id);
  const told = new Set((await listTold(read)).map((row) => `${row.alert_id} ${row.destination_id}`));
  const known = new Map(open.map((row) => [keyOf(row), row]));
  const present = new Map(troubles.map((trouble) => [keyOf(trouble), trouble]));
  const changes: ((sql: Sql) => Promise<void>)[] = [];
  for (const [key, trouble] of present) {
    const row = known.get(key);
    const to = destinations.get(trouble.org_id) ?? [];
    if (!row) changes.push((sql) => begin(sql, trouble, to, now));
    else if (isNews(row, trouble, to, told, now)) changes.push((sql) => goOn(sql, row, trouble, to, now));
  }
  for (const row of open) if (!present.has(keyOf(row))) changes.push((sql) => calmDown(sql, row, now));
  for (let i = 0; i < changes.length; i += BATCH) {
    await transaction(async (sql) => {
      for (const change of changes.slice(i, i + BATCH)) await change(sql);
    });
  }
}

async function listAll(sql: Sql, now: Date): Promise<Trouble[]> {
  const time = new Date(now.getTime() - LOGIN_FAILURES.windowMs).toISOString();
  const failures = await listLoginFailures(sql, { time, least: LOGIN_FAILURES.least });
  return [...(await listTroubles(sql)).flatMap(troublesOf), ...failures.map(loginTrouble)];
}

function keyOf({ org_id, rule, subject_id }: Pick<AlertRow, "org_id" | "rule" | "subject_id">): string {
  return `${org_id} ${rule} ${subject_id}`;
}

async function begin(sql: Sql, trouble: Trouble, to: DestinationRow[], now: Date): Promise<void> {
  const row = { id: crypto.randomUUID(), ...trouble };
  if (!(await openAlert(sql, row))) return;
  await tell(sql, { ...row, well_since: null, raised_at: null, closed_at: null }, to, now);
}

async function goOn(
  sql: Sql,
  row: AlertRow,
  { title, text, fix }: Trouble,
  to: DestinationRow[],
  now: Date,
): Promise<void> {
  await updateAlert(sql, { id: row.id, title, text, fix, wellSince: null });
  await tell(sql, row, to, now);
}

/** Other words, back again, or somebody to be told. */
function isNews(
  row: AlertRow,
  { title, text, fix }: Trouble,
  to: DestinationRow[],
  told: ReadonlySet<string>,
  now: Date,
): boolean {
  const isSame = row.title === title && row.text === text && row.fix === fix && row.well_since === null;
  if (!isSame || (row.raised_at === null && hasLasted(row, AFTER_SECONDS, now))) return true;
  return to.some((one) => isFor(one, row, now) && !told.has(`${row.id} ${one.id}`));
}

/** Tells those whose patience is over, each once. */
async function tell(sql: Sql, row: AlertRow, to: DestinationRow[], now: Date): Promise<void> {
  const at = now.toISOString();
  const due = to.filter((one) => isFor(one, row, now));
  if (row.raised_at === null && (due.length > 0 || hasLasted(row, AFTER_SECONDS, now))) {
    await raiseAlert(sql, row.id, at);
    await stampAlerted(sql, row, at);
  }
  for (const one of due) {
    const delivery = { alertId: row.id, destinationId: one.id, event: "raised" } as const;
    await insertDelivery(sql, { id: crypto.randomUUID(), ...delivery }, at);
  }
}

function isFor(destination: DestinationRow, row: AlertRow, now: Date): boolean {
  return (
    readRules(destination).some((rule) => rule === row.rule) && hasLasted(row, destination.after_seconds, now)
  );
}

function hasLasted({ rule, began_at }: AlertRow, seconds: number, now: Date): boolean {
  return !LASTING.has(rule) || Date.parse(began_at) + seconds * 1000 <= now.getTime();
}

async function calmDown(sql: Sql, row: AlertRow, now: Date): Promise<void> {
  const at = now.toISOString();
  const { well_since: wellSince } = row;
  // Those that nobody was told of wait for one round all the same: what comes back at once is one episode.
  if (wellSince === null) return await updateAlert(sql, { ...row, wellSince: at });
  const quiet = row.raised_at === null ? 0 : await quietMs(sql, row, now);
  if (Date.parse(wellSince) + quiet > now.getTime()) return;
  await closeAlert(sql, row.id, at);
  for (const { event, destination_id: destinationId } of await listDeliveries(sql, row.id)) {
    if (event !== "raised") continue;
    const delivery = { alertId: row.id, destinationId, event: "recovered" } as const;
    await insertDelivery(sql, { id: crypto.randomUUID(), ...delivery }, at);
  }
}

async function quietMs(sql: Sql, row: AlertRow, now: Date): Promise<number> {
  const episodes = await countEpisodes(sql, row, new Date(now.getTime() - HOUR_MS).toISOString());
  return Math.min(QUIET_MS.first * 2 ** Math.max(0, episodes - 1), QUIET_MS.last);
}
