import type { Sql } from "./database.ts";
import { inChunks, withLists } from "./lists.ts";
import type { RelayRow } from "./relays.ts";

export interface TunnelReport {
  gatewayId: string;
  generation: number;
}

/** What a relay says about a gateway that has declared it. */
export interface Presence {
  /** Of the relay, as its name. */
  id: string;
  name: string;
  /** Until when the relay's reports count; null = it has never reported any, as Infisical's relays. */
  lease_expires_at: string | null;
  /** When its tunnel came up; null = it has none. */
  tunnel_since: string | null;
}

/** The same, with all of the relay. */
export interface PresenceRow extends Presence, RelayRow {
  gateway_id: string;
  /** What is wrong with the relay itself, JSON; null = nothing is known. */
  relay_conditions: string | null;
}

/** Of these gateways: of each in its order of preference. */
export async function listPresence(sql: Sql, gatewayIds: string[]): Promise<PresenceRow[]> {
  return await inChunks(
    gatewayIds,
    (chunk) => withLists(sql)<PresenceRow>`
      SELECT r.*, d.gateway_id, l.expires_at AS lease_expires_at, t.since AS tunnel_since,
        h.conditions AS relay_conditions
      FROM gateway_relays d
      JOIN relays r ON r.id = d.relay_id
      LEFT JOIN relay_leases l ON l.relay_id = d.relay_id
      LEFT JOIN health h ON h.subject_id = d.relay_id
      LEFT JOIN relay_tunnels t ON t.relay_id = d.relay_id AND t.gateway_id = d.gateway_id
      WHERE d.gateway_id IN (${chunk})
      ORDER BY d.gateway_id, d.position`,
  );
}

/** The relays that gateways of an organisation may declare: its own and the instance's. */
export async function listRelayLeases(
  sql: Sql,
  orgId: string,
): Promise<Pick<Presence, "id" | "name" | "lease_expires_at">[]> {
  return await sql<Pick<Presence, "id" | "name" | "lease_expires_at">>`
    SELECT r.id, r.name, l.expires_at AS lease_expires_at
    FROM relays r LEFT JOIN relay_leases l ON l.relay_id = r.id
    WHERE r.org_id = ${orgId} OR r.org_id IS NULL`;
}

export interface DeclaredRelay {
  gateway_id: string;
  relay_id: string;
  /** 0 = the one that it likes best. */
  position: number;
  tunnel_since: string | null;
}

/** Of all gateways of an organisation, in no order. */
export async function listDeclaredRelays(sql: Sql, orgId: string): Promise<DeclaredRelay[]> {
  return await sql<DeclaredRelay>`
    SELECT d.gateway_id, d.relay_id, d.position, t.since AS tunnel_since
    FROM gateways g JOIN gateway_relays d ON d.gateway_id = g.id
    LEFT JOIN relay_tunnels t ON t.relay_id = d.relay_id AND t.gateway_id = d.gateway_id
    WHERE g.org_id = ${orgId}`;
}

/** @returns whether the lease before was still running: otherwise what is stored may be out of date */
export async function renewLease(
  sql: Sql,
  relayId: string,
  expiresAt: string,
  now: string,
): Promise<boolean> {
  const running = await sql`
    SELECT relay_id FROM relay_leases WHERE relay_id = ${relayId} AND expires_at > ${now} AND lost_at IS NULL`;
  await sql`
    INSERT INTO relay_leases (relay_id, expires_at) VALUES (${relayId}, ${expiresAt})
    ON CONFLICT (relay_id) DO UPDATE SET expires_at = excluded.expires_at, lost_at = NULL`;
  return running.length === 1;
}

/** Until when relays' reports count; those that have never made any are missing. */
export async function listLeaseEnds(
  sql: Sql,
  relayIds: string[],
): Promise<{ relay_id: string; expires_at: string }[]> {
  return await inChunks(
    relayIds,
    (chunk) => withLists(sql)<{ relay_id: string; expires_at: string }>`
      SELECT relay_id, expires_at FROM relay_leases WHERE relay_id IN (${chunk})`,
  );
}

export async function forgetTunnels(sql: Sql, relayId: string): Promise<void> {
  await sql`DELETE FROM relay_tunnels WHERE relay_id = ${relayId}`;
}

export async function openTunnelRow(
  sql: Sql,
  relayId: string,
  { gatewayId, generation }: TunnelReport,
  now: string,
): Promise<void> {
  await sql`
    INSERT INTO relay_tunnels (relay_id, gateway_id, generation, since)
    VALUES (${relayId}, ${gatewayId}, ${generation}, ${now})
    ON CONFLICT (relay_id, gateway_id) DO UPDATE SET generation = excluded.generation`;
}

/** False when there was none. */
export async function closeTunnelRow(sql: Sql, relayId: string, gatewayId: string): Promise<boolean> {
  const gone = await sql`
    DELETE FROM relay_tunnels WHERE relay_id = ${relayId} AND gateway_id = ${gatewayId} RETURNING gateway_id`;
  return gone.length === 1;
}

/** Nobody could report while the platform was away: leases that nobody has seen end go on until `expiresAt`. */
export async function extendLeases(sql: Sql, expiresAt: string): Promise<void> {
  await sql`
    UPDATE relay_leases SET expires_at = ${expiresAt} WHERE expires_at < ${expiresAt} AND lost_at IS NULL`;
}

/** Relays whose reports have stopped, each for one caller only. */
export async function takeLostLeases(
  sql: Sql,
  now: string,
): Promise<{ relay_id: string; name: string; org_id: string | null }[]> {
  const lost = await sql<{ relay_id: string }>`
    UPDATE relay_leases SET lost_at = ${now} WHERE expires_at <= ${now} AND lost_at IS NULL
    RETURNING relay_id`;
  const relays: { relay_id: string; name: string; org_id: string | null }[] = [];
  for (const { relay_id: id } of lost) {
    relays.push(
      ...(await sql<{ relay_id: string; name: string; org_id: string | null }>`
        SELECT id AS relay_id, name, org_id FROM relays WHERE id = ${id}`),
    );
  }
  return relays;
}

export async function hasOverdueLease(sql: Sql, now: string): Promise<boolean> {
  const rows = await sql`
    SELECT relay_id FROM relay_leases WHERE expires_at <= ${now} AND lost_at IS NULL LIMIT 1`;
  return rows.length === 1;
}

/** Gateways with a tunnel at this relay, as it said last. */
export async function listTunnelGateways(sql: Sql, relayId: string): Promise<string[]> {
  const rows = await sql<{ gateway_id: string }>`
    SELECT gateway_id FROM relay_tunnels WHERE relay_id = ${relayId} ORDER BY gateway_id`;
  return rows.map((row) => row.gateway_id);
}
