import type { Sql } from "./database.ts";

export interface AlertRow {
  id: string;
  org_id: string;
  rule: string;
  subject_kind: string;
  subject_id: string;
  subject_name: string;
  title: string;
  text: string;
  fix: string;
  began_at: string;
  /** Of an open alert: since when nothing is wrong; null = it still is. */
  well_since: string | null;
  /** When it had lasted long enough to be told; null = it was never. */
  raised_at: string | null;
  closed_at: string | null;
}

/** Everything that is not over. */
export async function listOpenAlerts(sql: Sql): Promise<AlertRow[]> {
  return await sql<AlertRow>`SELECT * FROM alerts WHERE closed_at IS NULL`;
}

export async function findAlert(sql: Sql, id: string): Promise<AlertRow | undefined> {
  const [row] = await sql<AlertRow>`SELECT * FROM alerts WHERE id = ${id}`;
  return row;
}

/** Those that were told, newest first. */
export async function listAlerts(
  sql: Sql,
  filter: {
    orgId: string;
    since: string | null;
    until: string | null;
    open: boolean;
    after: { time: string; id: string } | null;
    limit: number;
  },
): Promise<AlertRow[]> {
  const { orgId, since, until, after, limit } = filter;
  const open = filter.open ? 1 : 0;
  const time = after?.time ?? null;
  const id = after?.id ?? null;
  return await sql<AlertRow>`
    SELECT * FROM alerts
    WHERE org_id = ${orgId} AND raised_at IS NOT NULL
      AND (closed_at IS NULL OR CAST(${open} AS INTEGER) = 0)
      AND (began_at >= ${since} OR CAST(${since} AS TEXT) IS NULL)
      AND (began_at < ${until} OR CAST(${until} AS TEXT) IS NULL)
      AND (began_at < ${time} OR (began_at = ${time} AND id < ${id}) OR CAST(${time} AS TEXT) IS NULL)
    ORDER BY began_at DESC, id DESC LIMIT ${limit}`;
}

type NewAlert = Omit<AlertRow, "well_since" | "raised_at" | "closed_at">;

/** False when there is an open one of its kind already. */
export async function openAlert(sql: Sql, row: NewAlert): Promise<boolean> {
  const made = await sql`
    INSERT INTO alerts (id, org_id, rule, subject_kind, subject_id, subject_name, title, text, fix, began_at)
    VALUES (${row.id}, ${row.org_id}, ${row.rule}, ${row.subject_kind}, ${row.subject_id}, ${row.subject_name},
      ${row.title}, ${row.text}, ${row.fix}, ${row.began_at})
    ON CONFLICT DO NOTHING RETURNING id`;
  return made.length === 1;
}

/** Its words as they are now; `wellSince` null = it goes on. */
export async function updateAlert(
  sql: Sql,
  row: { id: string; title: string; text: string; fix: string; wellSince: string | null },
): Promise<void> {
  await sql`
    UPDATE alerts SET title = ${row.title}, text = ${row.text}, fix = ${row.fix}, well_since = ${row.wellSince}
    WHERE id = ${row.id}`;
}

export async function raiseAlert(sql: Sql, id: string, now: string): Promise<void> {
  await sql`UPDATE alerts SET raised_at = ${now} WHERE id = ${id} AND raised_at IS NULL`;
}

/** One that nobody was told of is forgotten. */
export async function closeAlert(sql: Sql, id: string, now: string): Promise<void> {
  await sql`DELETE FROM alerts WHERE id = ${id} AND raised_at IS NULL`;
  await sql`UPDATE alerts SET closed_at = ${now} WHERE id = ${id} AND closed_at IS NULL`;
}

/** How often this was told since `time`. */
export async function countEpisodes(
  sql: Sql,
  { org_id: orgId, rule, subject_id: subjectId }: Pick<AlertRow, "org_id" | "rule" | "subject_id">,
  time: string,
): Promise<number> {
  const [row] = await sql<{ n: number }>`
    SELECT CAST(count(*) AS INTEGER) AS n FROM alerts
    WHERE org_id = ${orgId} AND rule = ${rule} AND subject_id = ${subjectId} AND raised_at >= ${time}`;
  return row?.n ?? 0;
}

export async function deleteAlertsBefore(sql: Sql, time: string): Promise<void> {
  await sql`DELETE FROM alerts WHERE closed_at < ${time}`;
}

/** A gateway or relay that is not well, for each organisation that is concerned. */
export interface TroubleRow {
  subject_id: string;
  kind: "gateway" | "relay";
  name: string;
  org_id: string;
  status: string;
  since: string;
  /** JSON. */
  conditions: string;
}

/** An instance relay concerns the organisations whose gateways use it. */
export async function listTroubles(sql: Sql): Promise<TroubleRow[]> {
  return await sql<TroubleRow>`
    SELECT h.subject_id, 'gateway' AS kind, g.name, g.org_id, h.status, h.since, h.conditions
    FROM health h JOIN gateways g ON g.id = h.gateway_id
    WHERE h.status IN ('degraded', 'unreachable')
    UNION ALL
    SELECT h.subject_id, 'relay' AS kind, r.name, r.org_id, h.status, h.since, h.conditions
    FROM health h JOIN relays r ON r.id = h.relay_id
    WHERE h.status IN ('degraded', 'unreachable') AND r.org_id IS NOT NULL
    UNION
    SELECT h.subject_id, 'relay' AS kind, r.name, g.org_id, h.status, h.since, h.conditions
    FROM health h JOIN relays r ON r.id = h.relay_id
      JOIN gateway_relays d ON d.relay_id = r.id JOIN gateways g ON g.id = d.gateway_id
    WHERE h.status IN ('degraded', 'unreachable') AND r.org_id IS NULL`;
}

/** Organisations with at least so many failed logins since `time`. */
export async function listLoginFailures(
  sql: Sql,
  { time, least }: { time: string; least: number },
): Promise<{ org_id: string; name: string; n: number; first_at: string }[]> {
  return await sql<{ org_id: string; name: string; n: number; first_at: string }>`
    SELECT a.org_id, o.name, CAST(count(*) AS INTEGER) AS n, MIN(a.created_at) AS first_at
    FROM audit_log a JOIN organisations o ON o.id = a.org_id
    WHERE a.event IN ('USER_LOGIN_FAILED', 'IDENTITY_LOGIN_FAILED', 'RESOURCE_AUTH_METHOD_LOGIN_FAILED')
      AND a.created_at >= ${time}
    GROUP BY a.org_id, o.name HAVING count(*) >= ${least}`;
}

/** PROTOCOL E: rows of gateways and relays say when people were last alerted. */
export async function stampAlerted(
  sql: Sql,
  { subject_kind: kind, subject_id: id }: Pick<AlertRow, "subject_kind" | "subject_id">,
  now: string,
): Promise<void> {
  if (kind === "gateway") await sql`UPDATE gateways SET health_alerted_at = ${now} WHERE id = ${id}`;
  if (kind === "relay") await sql`UPDATE relays SET health_alerted_at = ${now} WHERE id = ${id}`;
}
