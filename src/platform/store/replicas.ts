import type { Sql } from "./database.ts";

export interface ReplicaRow {
  id: string;
  /** Of the machine that it runs on. */
  host: string;
  /** Its id there. */
  process: number;
  started_at: string;
  seen_at: string;
}

export async function insertReplica(sql: Sql, row: ReplicaRow): Promise<void> {
  await sql`
    INSERT INTO replicas (id, host, process, started_at, seen_at)
    VALUES (${row.id}, ${row.host}, ${row.process}, ${row.started_at}, ${row.seen_at})`;
}

/** False when somebody has struck it off. */
export async function touchReplica(sql: Sql, id: string, now: string): Promise<boolean> {
  const rows = await sql`UPDATE replicas SET seen_at = ${now} WHERE id = ${id} RETURNING id`;
  return rows.length === 1;
}

export async function deleteReplica(sql: Sql, id: string): Promise<void> {
  await sql`DELETE FROM replicas WHERE id = ${id}`;
}

export async function listReplicasSince(sql: Sql, time: string): Promise<ReplicaRow[]> {
  return await sql<ReplicaRow>`SELECT * FROM replicas WHERE seen_at > ${time} ORDER BY started_at`;
}

export async function deleteReplicas(sql: Sql): Promise<void> {
  await sql`DELETE FROM replicas`;
}

export async function deleteReplicasBefore(sql: Sql, time: string): Promise<void> {
  await sql`DELETE FROM replicas WHERE seen_at < ${time}`;
}
