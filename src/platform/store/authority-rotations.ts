import type { Sql } from "./database.ts";

export type RotationPhase = "distributing" | "retiring";

export interface RotationRow {
  owner_id: string;
  phase: RotationPhase;
  old_generation: number;
  new_generation: number;
  started_at: string;
  phase_since: string;
  /** When the phase ends, whatever its peers do. */
  due_at: string;
  overlap_seconds: number;
  /** null = as long as the last certificate of the old set runs. */
  retire_seconds: number | null;
}

export async function findRotation(sql: Sql, ownerId: string): Promise<RotationRow | undefined> {
  const [row] = await sql<RotationRow>`SELECT * FROM authority_rotations WHERE owner_id = ${ownerId}`;
  return row;
}

export async function listRotations(sql: Sql): Promise<RotationRow[]> {
  return await sql<RotationRow>`SELECT * FROM authority_rotations ORDER BY owner_id`;
}

/** Of organisations whose new set is under this generation of the instance's. */
export async function listRotationsUnder(sql: Sql, instanceGeneration: number): Promise<RotationRow[]> {
  return await sql<RotationRow>`
    SELECT r.* FROM authority_rotations r JOIN authority_generations g
      ON g.owner_id = r.owner_id AND g.generation = r.new_generation
    WHERE g.parent = ${instanceGeneration} ORDER BY r.owner_id`;
}

/** False when there is one already. */
export async function insertRotation(sql: Sql, row: RotationRow): Promise<boolean> {
  const made = await sql`
    INSERT INTO authority_rotations (owner_id, phase, old_generation, new_generation, started_at, phase_since,
      due_at, overlap_seconds, retire_seconds)
    VALUES (${row.owner_id}, ${row.phase}, ${row.old_generation}, ${row.new_generation}, ${row.started_at},
      ${row.phase_since}, ${row.due_at}, ${row.overlap_seconds}, ${row.retire_seconds})
    ON CONFLICT DO NOTHING RETURNING owner_id`;
  return made.length === 1;
}

/** For one replica only: false when another one was first, or the rotation is over. */
export async function beginRetiring(
  sql: Sql,
  row: Pick<RotationRow, "owner_id" | "new_generation">,
  dueAt: string,
  now: string,
): Promise<boolean> {
  const changed = await sql`
    UPDATE authority_rotations SET phase = 'retiring', phase_since = ${now}, due_at = ${dueAt}
    WHERE owner_id = ${row.owner_id} AND new_generation = ${row.new_generation} AND phase = 'distributing'
    RETURNING owner_id`;
  return changed.length === 1;
}

/** The same, for its end. */
export async function deleteRotation(
  sql: Sql,
  row: Pick<RotationRow, "owner_id" | "new_generation" | "phase">,
): Promise<boolean> {
  const gone = await sql`
    DELETE FROM authority_rotations
    WHERE owner_id = ${row.owner_id} AND new_generation = ${row.new_generation} AND phase = ${row.phase}
    RETURNING owner_id`;
  return gone.length === 1;
}

/** Of one owner, or of all. */
export async function deleteRotations(sql: Sql, ownerId: string | null): Promise<void> {
  await sql`
    DELETE FROM authority_rotations WHERE owner_id = ${ownerId} OR CAST(${ownerId} AS TEXT) IS NULL`;
}

/** A relay or gateway that has to fetch the new certificates of authorities first. */
export interface WaitingPeer {
  kind: "relay" | "gateway";
  id: string;
  name: string;
}

/**
 * Who is connected and was not given this generation to trust yet: of an organisation, or (null) of the instance. A
 * relay counts while its reports run or it was heard of since `relaysSince`, a gateway while a relay reports its tunnel
 * or a probe reached it since `gatewaysSince`.
 */
export async function listWaiting(
  sql: Sql,
  of: { orgId: string | null; generation: number; now: string; relaysSince: string; gatewaysSince: string },
): Promise<WaitingPeer[]> {
  const { orgId, generation, now } = of;
  const relays = await sql<{ id: string; name: string }>`
    SELECT r.id, r.name FROM relays r LEFT JOIN relay_leases l ON l.relay_id = r.id
    WHERE COALESCE(r.org_id, '') = ${orgId ?? ""} AND r.trust < ${generation}
      AND (l.expires_at > ${now} OR r.heartbeat > ${of.relaysSince})
    ORDER BY r.name`;
  const gateways = await sql<{ id: string; name: string }>`
    SELECT g.id, g.name FROM gateways g
    WHERE ((g.org_id = ${orgId} AND g.org_trust < ${generation})
        OR (CAST(${orgId} AS TEXT) IS NULL AND g.instance_trust < ${generation} AND g.id IN (
          SELECT d.gateway_id FROM gateway_relays d JOIN relays i ON i.id = d.relay_id WHERE i.org_id IS NULL)))
      AND ((g.heartbeat > ${of.gatewaysSince} AND g.heartbeat_ttl > 0) OR g.id IN (
        SELECT t.gateway_id FROM relay_tunnels t JOIN relay_leases l ON l.relay_id = t.relay_id
        WHERE l.expires_at > ${now}))
    ORDER BY g.name`;
  return [
    ...relays.map((row) => ({ kind: "relay" as const, ...row })),
    ...gateways.map((row) => ({ kind: "gateway" as const, ...row })),
  ];
}

/** When the last certificate ends that was issued so far: to an organisation, or (null) to anybody. */
export async function lastExpiry(sql: Sql, orgId: string | null): Promise<string | undefined> {
  const [row] = await sql<{ last: string | null }>`
    SELECT MAX(not_after) AS last FROM issued_certificates
    WHERE org_id = ${orgId} OR CAST(${orgId} AS TEXT) IS NULL`;
  return row?.last ?? undefined;
}
