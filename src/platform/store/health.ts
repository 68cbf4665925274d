import type { Sql } from "./database.ts";
import { inChunks, withLists } from "./lists.ts";

/** What was last said of a gateway or a relay; `subject_id` is its id. */
export interface SaidRow {
  subject_id: string;
  gateway_id: string | null;
  relay_id: string | null;
  status: string;
  /** Of the status. */
  since: string;
  /** JSON. */
  conditions: string;
  /** Until then nothing changes by the passing of time alone. */
  due_at: string;
}

/** The same, and what is kept for saying it anew. */
export interface HealthRow extends SaidRow {
  /** Failed probes in a row. */
  probe_failures: number;
  /** Of the certificates that it got last. */
  certificate_from: string | null;
  certificate_until: string | null;
  revoked_at: string | null;
}

/** One of the two. */
export type Subject = { gatewayId: string } | { relayId: string };

/** Before anything else is stored about it; it may be there already. False when there is no such gateway or relay. */
export async function ensureHealth(sql: Sql, subject: Subject, now: string): Promise<boolean> {
  const gatewayId = "gatewayId" in subject ? subject.gatewayId : null;
  const relayId = "relayId" in subject ? subject.relayId : null;
  const rows = await sql`
    INSERT INTO health (subject_id, gateway_id, relay_id, status, since, conditions, due_at)
    SELECT id, CAST(${gatewayId} AS TEXT), CAST(${relayId} AS TEXT), 'unregistered', CAST(${now} AS TEXT), '[]', CAST(${now} AS TEXT)
    FROM (SELECT id FROM gateways WHERE id = ${gatewayId} UNION SELECT id FROM relays WHERE id = ${relayId}) found
    WHERE true ON CONFLICT (subject_id) DO UPDATE SET due_at = health.due_at
    RETURNING subject_id`;
  return rows.length === 1;
}

export async function findHealth(sql: Sql, subjectId: string): Promise<HealthRow | undefined> {
  const [row] = await sql<HealthRow>`SELECT * FROM health WHERE subject_id = ${subjectId}`;
  return row;
}

/** Of these gateways and relays, as far as there is any. */
export async function listHealthOf(sql: Sql, ids: string[]): Promise<HealthRow[]> {
  return await inChunks(
    ids,
    (chunk) => withLists(sql)<HealthRow>`SELECT * FROM health WHERE subject_id IN (${chunk})`,
  );
}

/** Of all gateways of an organisation. */
export async function listGatewayHealth(sql: Sql, orgId: string): Promise<SaidRow[]> {
  return await sql<SaidRow>`
    SELECT h.subject_id, h.gateway_id, h.relay_id, h.status, h.since, h.conditions, h.due_at
    FROM health h JOIN gateways g ON g.id = h.gateway_id WHERE g.org_id = ${orgId}`;
}

/** Of all relays of an organisation and of the instance. */
export async function listRelayHealth(sql: Sql, orgId: string): Promise<SaidRow[]> {
  return await sql<SaidRow>`
    SELECT h.subject_id, h.gateway_id, h.relay_id, h.status, h.since, h.conditions, h.due_at
    FROM health h JOIN relays r ON r.id = h.relay_id WHERE r.org_id = ${orgId} OR r.org_id IS NULL`;
}

export async function storeHealth(
  sql: Sql,
  row: { subjectId: string; status: string; since: string; conditions: string; dueAt: string },
): Promise<void> {
  await sql`
    UPDATE health SET status = ${row.status}, since = ${row.since}, conditions = ${row.conditions},
      due_at = ${row.dueAt}
    WHERE subject_id = ${row.subjectId}`;
}

export async function storeDue(sql: Sql, subjectId: string, dueAt: string): Promise<void> {
  await sql`UPDATE health SET due_at = ${dueAt} WHERE subject_id = ${subjectId}`;
}

export async function markGatewaysOfRelayDue(sql: Sql, relayId: string, now: string): Promise<void> {
  await sql`
    UPDATE health SET due_at = ${now}
    WHERE gateway_id IN (SELECT gateway_id FROM gateway_relays WHERE relay_id = ${relayId}) AND due_at > ${now}`;
}

/** Longest overdue first. */
export async function listDue(sql: Sql, now: string, limit: number): Promise<HealthRow[]> {
  return await sql<HealthRow>`SELECT * FROM health WHERE due_at <= ${now} ORDER BY due_at LIMIT ${limit}`;
}

/** New certificates: the platform also has a look, soon. */
export async function storeCertificateLife(
  sql: Sql,
  subjectId: string,
  life: { from: string; until: string; probeAt: string },
): Promise<void> {
  await sql`
    UPDATE health SET certificate_from = ${life.from}, certificate_until = ${life.until}, due_at = ${life.from},
      probe_due_at = CASE WHEN probe_due_at < ${life.probeAt} THEN probe_due_at ELSE ${life.probeAt} END
    WHERE subject_id = ${subjectId}`;
}

/** Its tokens count no more, until it logs in again. */
export async function storeRevoked(sql: Sql, subjectId: string, now: string): Promise<void> {
  await sql`UPDATE health SET revoked_at = ${now}, due_at = ${now} WHERE subject_id = ${subjectId}`;
}

export async function hasProbesDue(sql: Sql, now: string): Promise<boolean> {
  const rows = await sql`
    SELECT subject_id FROM health WHERE probe_due_at <= ${now} AND revoked_at IS NULL LIMIT 1`;
  return rows.length === 1;
}

/**
 * Whose turn to be probed it is, each for one caller only: it is due again at `again`, whatever becomes of the caller.
 */
export async function takeProbesDue(
  sql: Sql,
  { now, again, limit }: { now: string; again: string; limit: number },
): Promise<{ gateway_id: string | null; relay_id: string | null }[]> {
  return await sql<{ gateway_id: string | null; relay_id: string | null }>`
    UPDATE health SET probe_due_at = ${again}
    WHERE probe_due_at <= ${now} AND subject_id IN (
      SELECT subject_id FROM health WHERE probe_due_at <= ${now} AND revoked_at IS NULL
      ORDER BY probe_due_at LIMIT ${limit})
    RETURNING gateway_id, relay_id`;
}

export async function storeProbeDue(
  sql: Sql,
  subjectId: string,
  { probeAt, failures }: { probeAt: string | null; failures: number },
): Promise<void> {
  await sql`
    UPDATE health SET probe_due_at = ${probeAt}, probe_failures = ${failures} WHERE subject_id = ${subjectId}`;
}

/** Those that are due sooner already stay so. */
export async function storeProbesDueBy(sql: Sql, ids: string[], probeAt: string): Promise<void> {
  await inChunks(
    ids,
    (chunk) => withLists(sql)`
      UPDATE health SET probe_due_at = ${probeAt}
      WHERE subject_id IN (${chunk}) AND (probe_due_at > ${probeAt} OR probe_due_at IS NULL)`,
  );
}

/** What the platform saw when it looked. */
export interface ProbeOutcome {
  /** A relay's id, or a relay's port: "tls" or "ssh". */
  way: string;
  checked_at: string;
  /** Of this outcome, the times before that had the same code included. */
  since: string;
  /** null = it was reached. */
  code: string | null;
  text: string | null;
}

/** Whose it is, where there are several. */
interface Of {
  subject_id: string;
}

export async function storeOutcome(
  sql: Sql,
  subjectId: string,
  outcome: { way: string; code: string | null; text: string | null },
  now: string,
): Promise<void> {
  const { way, code, text } = outcome;
  await sql`
    INSERT INTO probe_outcomes (subject_id, way, checked_at, since, code, text)
    VALUES (${subjectId}, ${way}, ${now}, ${now}, ${code}, ${text})
    ON CONFLICT (subject_id, way) DO UPDATE SET
      since = CASE WHEN COALESCE(probe_outcomes.code, '') = COALESCE(excluded.code, '')
        THEN probe_outcomes.since ELSE excluded.since END,
      checked_at = excluded.checked_at, code = excluded.code, text = excluded.text`;
}

export async function listOutcomes(sql: Sql, ids: string[]): Promise<(ProbeOutcome & Of)[]> {
  return await inChunks(
    ids,
    (chunk) => withLists(sql)<ProbeOutcome & Of>`
      SELECT subject_id, way, checked_at, since, code, text FROM probe_outcomes WHERE subject_id IN (${chunk})`,
  );
}

export interface AgentReportRow {
  subject_id: string;
  instance: string;
  first_at: string;
  last_at: string;
  version: string | null;
  /** How far its clock is ahead of ours, milliseconds. */
  skew_ms: number | null;
  /** JSON. */
  conditions: string;
}

/** `instance` of a daemon that says nothing of itself, as Infisical's. */
export const NAMELESS = "";
/** Processes remembered of one gateway or relay; the ones heard of last. */
const INSTANCES = 4;

type NewAgentReport = Omit<AgentReportRow, "first_at" | "last_at">;

/** Each process of each gateway or relay at most once. */
export async function storeAgentReports(sql: Sql, reports: NewAgentReport[], now: string): Promise<void> {
  const subjects = [...new Set(reports.map((report) => report.subject_id))];
  await inChunks(reports, (chunk) => {
    const rows = chunk.map(({ subject_id: id, instance, version, skew_ms, conditions }) => [
      ...[id, instance, now, now, version, skew_ms, conditions],
    ]);
    return withLists(sql)`
      INSERT INTO agent_reports (subject_id, instance, first_at, last_at, version, skew_ms, conditions)
      VALUES ${rows}
      ON CONFLICT (subject_id, instance) DO UPDATE SET last_at = excluded.last_at, version = excluded.version,
        skew_ms = excluded.skew_ms, conditions = excluded.conditions`;
  });
  const crowded = await inChunks(
    subjects,
    (chunk) => withLists(sql)<{ subject_id: string }>`
      SELECT subject_id FROM agent_reports WHERE subject_id IN (${chunk})
      GROUP BY subject_id HAVING count(*) > ${INSTANCES}`,
  );
  for (const { subject_id: id } of crowded) {
    await sql`
      DELETE FROM agent_reports WHERE subject_id = ${id} AND instance NOT IN (
        SELECT instance FROM agent_reports WHERE subject_id = ${id}
        ORDER BY last_at DESC, first_at DESC LIMIT ${INSTANCES})`;
  }
}

/** Newest first. */
export async function listAgentReports(sql: Sql, ids: string[]): Promise<AgentReportRow[]> {
  return await inChunks(
    ids,
    (chunk) => withLists(sql)<AgentReportRow>`
      SELECT subject_id, instance, first_at, last_at, version, skew_ms, conditions FROM agent_reports
      WHERE subject_id IN (${chunk}) ORDER BY last_at DESC, first_at DESC`,
  );
}

/** A new login: what was seen of the one before says nothing of it. */
export async function forgetHealth(sql: Sql, subjectId: string, now: string): Promise<void> {
  await sql`DELETE FROM probe_outcomes WHERE subject_id = ${subjectId}`;
  await sql`DELETE FROM agent_reports WHERE subject_id = ${subjectId}`;
  await sql`
    UPDATE health SET revoked_at = NULL, due_at = ${now}, probe_failures = 0 WHERE subject_id = ${subjectId}`;
}
