import type { Sql } from "./database.ts";
import { forgetHealth, markGatewaysOfRelayDue, storeRevoked } from "./health.ts";
import { inChunks, withLists } from "./lists.ts";

export interface RelayRow {
  id: string;
  /** null = an instance relay, shared by all organisations. */
  org_id: string | null;
  identity_id: string | null;
  name: string;
  /** A DNS name, an IPv4 address, or an IPv6 address in brackets. */
  host: string;
  /** null = 2222. */
  ssh_port: number | null;
  /** null = 8443. */
  tls_port: number | null;
  heartbeat: string | null;
  health_alerted_at: string | null;
  /** 0 = only gateways that ask for it by name get it. */
  auto_select: number;
  token_version: number;
  created_at: string;
  updated_at: string;
}

/** A relay as management shows it; one that registered with the shared secret has no authentication method. */
export interface RelayView extends RelayRow {
  auth_method_id: string | null;
  auth_method: string | null;
  auth_method_created_at: string | null;
  auth_method_updated_at: string | null;
  /** JSON; null for methods without settings. */
  auth_settings: string | null;
  has_reviewer_jwt: number;
  pending_tokens: number;
  /** Of the machine identity that it runs as. */
  identity_name: string | null;
}

/** Those of these that there are. */
export async function listRelaysById(sql: Sql, ids: string[]): Promise<RelayRow[]> {
  return await inChunks(
    ids,
    (chunk) => withLists(sql)<RelayRow>`SELECT * FROM relays WHERE id IN (${chunk})`,
  );
}

export async function findRelay(sql: Sql, id: string): Promise<RelayRow | undefined> {
  const [row] = await sql<RelayRow>`SELECT * FROM relays WHERE id = ${id}`;
  return row;
}

/** In the organisation first, then among the instance's (PROTOCOL A.1, "Relay resolution"). */
export async function findRelayByName(sql: Sql, orgId: string, name: string): Promise<RelayRow | undefined> {
  const [row] = await sql<RelayRow>`
    SELECT * FROM relays WHERE name = ${name} AND (org_id = ${orgId} OR org_id IS NULL)
    ORDER BY CASE WHEN org_id IS NULL THEN 1 ELSE 0 END LIMIT 1`;
  return row;
}

/** One that registered with the shared secret: it speaks for no relay that has credentials of its own. */
export async function findInstanceRelay(sql: Sql, name: string): Promise<RelayRow | undefined> {
  const [row] = await sql<RelayRow>`
    SELECT * FROM relays WHERE name = ${name} AND org_id IS NULL
      AND NOT EXISTS (SELECT 1 FROM auth_methods a WHERE a.relay_id = relays.id)`;
  return row;
}

/** However it proves who it is. */
export async function findAnyInstanceRelay(sql: Sql, name: string): Promise<RelayRow | undefined> {
  const [row] = await sql<RelayRow>`SELECT * FROM relays WHERE name = ${name} AND org_id IS NULL`;
  return row;
}

/**
 * A relay at this host, of an organisation or (null) of the instance: of the instance's only one with credentials of its
 * own.
 */
export async function findRelayAtHost(
  sql: Sql,
  orgId: string | null,
  host: string,
): Promise<RelayRow | undefined> {
  const [row] = await sql<RelayRow>`
    SELECT * FROM relays WHERE host = ${host} AND COALESCE(org_id, '') = ${orgId ?? ""}
      AND (org_id IS NOT NULL OR EXISTS (SELECT 1 FROM auth_methods a WHERE a.relay_id = relays.id))
    LIMIT 1`;
  return row;
}

/** Instance relays first, then the organisation's. Bounded by the limits on creating them. */
export async function listRelays(sql: Sql, orgId: string): Promise<RelayRow[]> {
  return await sql<RelayRow>`
    SELECT * FROM relays WHERE org_id = ${orgId} OR org_id IS NULL
    ORDER BY CASE WHEN org_id IS NULL THEN 0 ELSE 1 END, name`;
}

/** A relay of this organisation, or an instance relay. */
export async function findRelayView(sql: Sql, orgId: string, id: string): Promise<RelayView | undefined> {
  const [row] = await sql<RelayView>`
    SELECT r.*, i.name AS identity_name, a.id AS auth_method_id, a.method AS auth_method,
      a.created_at AS auth_method_created_at, a.updated_at AS auth_method_updated_at,
      s.settings AS auth_settings, CASE WHEN s.sealed_reviewer_jwt IS NULL THEN 0 ELSE 1 END AS has_reviewer_jwt,
      (SELECT CAST(count(*) AS INTEGER) FROM enrollment_tokens t WHERE t.auth_method_id = a.id) AS pending_tokens
    FROM relays r LEFT JOIN auth_methods a ON a.relay_id = r.id
    LEFT JOIN auth_method_settings s ON s.auth_method_id = a.id
    LEFT JOIN identities i ON i.id = r.identity_id
    WHERE r.id = ${id} AND (r.org_id = ${orgId} OR r.org_id IS NULL)`;
  return row;
}

/** The gateways of an organisation that declared this relay last. */
export async function listGatewaysAtRelay(
  sql: Sql,
  orgId: string,
  relayId: string,
): Promise<{ id: string; name: string; created_at: string; heartbeat: string | null }[]> {
  return await sql<{ id: string; name: string; created_at: string; heartbeat: string | null }>`
    SELECT g.id, g.name, g.created_at, g.heartbeat
    FROM gateway_relays d JOIN gateways g ON g.id = d.gateway_id
    WHERE d.relay_id = ${relayId} AND g.org_id = ${orgId} ORDER BY g.name`;
}

export async function countRelays(sql: Sql, orgId: string | null): Promise<number> {
  const [row] = await sql<{ n: number }>`
    SELECT CAST(count(*) AS INTEGER) AS n FROM relays WHERE COALESCE(org_id, '') = ${orgId ?? ""}`;
  return row?.n ?? 0;
}

interface NewRelay {
  id: string;
  orgId: string | null;
  name: string;
  host: string;
  sshPort: number | null;
  tlsPort: number | null;
  /** null = an instance relay that authenticates by the shared secret. */
  authMethodId: string | null;
  now: string;
}

/** False when the name is taken. */
export async function insertRelay(sql: Sql, row: NewRelay): Promise<boolean> {
  const made = await sql`
    INSERT INTO relays (id, org_id, name, host, ssh_port, tls_port, created_at, updated_at)
    VALUES (${row.id}, ${row.orgId}, ${row.name}, ${row.host}, ${row.sshPort}, ${row.tlsPort}, ${row.now}, ${row.now})
    ON CONFLICT DO NOTHING RETURNING id`;
  if (made.length === 0) return false;
  if (row.authMethodId === null) return true;
  await sql`
    INSERT INTO auth_methods (id, relay_id, method, created_at, updated_at)
    VALUES (${row.authMethodId}, ${row.id}, 'token', ${row.now}, ${row.now})`;
  return true;
}

export async function deleteRelay(sql: Sql, id: string, now: string): Promise<boolean> {
  await markGatewaysOfRelayDue(sql, id, now);
  const gone = await sql`DELETE FROM relays WHERE id = ${id} RETURNING id`;
  return gone.length === 1;
}

/** Another host starts without a heartbeat. */
export async function changeRelay(
  sql: Sql,
  { id, host, autoSelect, now }: { id: string; host: string; autoSelect: boolean; now: string },
): Promise<void> {
  await sql`
    UPDATE relays SET heartbeat = CASE WHEN host = ${host} THEN heartbeat ELSE NULL END,
      host = ${host}, auto_select = ${autoSelect ? 1 : 0}, updated_at = ${now}
    WHERE id = ${id}`;
}

/** Only while `tokenVersion` is still the caller's: false means that it was revoked meanwhile. */
export async function declareRelayPorts(
  sql: Sql,
  row: { id: string; tokenVersion: number; sshPort: number | null; tlsPort: number | null; now: string },
): Promise<boolean> {
  const updated = await sql`
    UPDATE relays SET ssh_port = ${row.sshPort}, tls_port = ${row.tlsPort}, updated_at = ${row.now}
    WHERE id = ${row.id} AND token_version = ${row.tokenVersion} RETURNING id`;
  return updated.length === 1;
}

/** The generation of its owner's authorities that the relay was just given to trust. */
export async function storeRelayTrust(sql: Sql, id: string, generation: number): Promise<void> {
  await sql`UPDATE relays SET trust = ${generation} WHERE id = ${id}`;
}

/** See `raiseGatewayVersion`. */
export async function raiseRelayVersion(
  sql: Sql,
  id: string,
  now: string,
): Promise<{ token_version: number; name: string } | undefined> {
  const [row] = await sql<{ token_version: number; name: string }>`
    UPDATE relays SET token_version = token_version + 1, heartbeat = NULL, updated_at = ${now}
    WHERE id = ${id} RETURNING token_version, name`;
  if (row) await forgetHealth(sql, id, now);
  return row;
}

/** See `revokeGateway`. */
export async function revokeRelay(sql: Sql, id: string, now: string): Promise<boolean> {
  const rows = await sql`
    UPDATE relays SET token_version = token_version + 1, updated_at = ${now}
    WHERE id = ${id} RETURNING id`;
  if (rows.length === 1) await storeRevoked(sql, id, now);
  return rows.length === 1;
}

export async function storeRelayHeartbeat(sql: Sql, id: string, heartbeat: string): Promise<void> {
  await sql`UPDATE relays SET heartbeat = ${heartbeat} WHERE id = ${id}`;
}
