import type { Sql } from "./database.ts";
import { forgetHealth, storeRevoked } from "./health.ts";
import { inChunks, withLists } from "./lists.ts";
import type { RelayRow } from "./relays.ts";

export interface GatewayRow {
  id: string;
  org_id: string;
  identity_id: string | null;
  name: string;
  relay_id: string | null;
  heartbeat: string | null;
  /** Seconds; 0 = the last probe failed. */
  heartbeat_ttl: number | null;
  health_alerted_at: string | null;
  token_version: number;
  created_at: string;
  updated_at: string;
}

/** A gateway in a list. */
export interface GatewayEntry extends Omit<GatewayRow, "org_id" | "health_alerted_at"> {
  pending_tokens: number;
  resource_count: number;
  /** Of the machine identity that it runs as. */
  identity_name: string | null;
}

/** A gateway as management shows it. */
export interface GatewayView extends GatewayRow {
  auth_method_id: string;
  auth_method: string;
  auth_method_created_at: string;
  auth_method_updated_at: string;
  /** JSON; null for methods without settings. */
  auth_settings: string | null;
  has_reviewer_jwt: number;
  pending_tokens: number;
  /** Of the machine identity that it runs as. */
  identity_name: string | null;
}

export async function findGateway(sql: Sql, id: string): Promise<GatewayRow | undefined> {
  const [row] = await sql<GatewayRow>`SELECT * FROM gateways WHERE id = ${id}`;
  return row;
}

/** Those of these that there are. */
export async function listGatewaysById(sql: Sql, ids: string[]): Promise<GatewayRow[]> {
  return await inChunks(
    ids,
    (chunk) => withLists(sql)<GatewayRow>`SELECT * FROM gateways WHERE id IN (${chunk})`,
  );
}

/** By id or by name, in one organisation. */
export async function findOwnGateway(
  sql: Sql,
  orgId: string,
  idOrName: string,
): Promise<GatewayRow | undefined> {
  const [row] = await sql<GatewayRow>`
    SELECT * FROM gateways WHERE org_id = ${orgId} AND (id = ${idOrName} OR name = ${idOrName})
    ORDER BY CASE WHEN id = ${idOrName} THEN 0 ELSE 1 END LIMIT 1`;
  return row;
}

/** All gateways of an organisation: at most as many as it may have. */
export async function listGatewayEntries(sql: Sql, orgId: string): Promise<GatewayEntry[]> {
  return await sql<GatewayEntry>`
    SELECT g.id, g.identity_id, g.name, g.relay_id, g.heartbeat, g.heartbeat_ttl, g.token_version,
      g.created_at, g.updated_at, i.name AS identity_name, COALESCE(r.n, 0) AS resource_count,
      CASE WHEN p.gateway_id IS NULL THEN 0 ELSE 1 END AS pending_tokens
    FROM gateways g
    LEFT JOIN (
      SELECT a.gateway_id FROM enrollment_tokens t JOIN auth_methods a ON a.id = t.auth_method_id
      WHERE t.org_id = ${orgId}
    ) p ON p.gateway_id = g.id
    LEFT JOIN identities i ON i.id = g.identity_id
    LEFT JOIN (
      SELECT gateway_id, CAST(count(*) AS INTEGER) AS n FROM resources WHERE org_id = ${orgId} GROUP BY gateway_id
    ) r ON r.gateway_id = g.id
    WHERE g.org_id = ${orgId} ORDER BY g.name`;
}

/** Undefined for another organisation's. */
export async function findGatewayView(sql: Sql, orgId: string, id: string): Promise<GatewayView | undefined> {
  const [view] = await sql<GatewayView>`
    SELECT g.*, i.name AS identity_name, a.id AS auth_method_id, a.method AS auth_method,
      a.created_at AS auth_method_created_at, a.updated_at AS auth_method_updated_at,
      s.settings AS auth_settings, CASE WHEN s.sealed_reviewer_jwt IS NULL THEN 0 ELSE 1 END AS has_reviewer_jwt,
      (SELECT CAST(count(*) AS INTEGER) FROM enrollment_tokens t WHERE t.auth_method_id = a.id) AS pending_tokens
    FROM gateways g JOIN auth_methods a ON a.gateway_id = g.id
    LEFT JOIN auth_method_settings s ON s.auth_method_id = a.id
    LEFT JOIN identities i ON i.id = g.identity_id
    WHERE g.org_id = ${orgId} AND g.id = ${id}`;
  return view;
}

export async function countGateways(sql: Sql, orgId: string): Promise<number> {
  const [row] = await sql<{ n: number }>`
    SELECT CAST(count(*) AS INTEGER) AS n FROM gateways WHERE org_id = ${orgId}`;
  return row?.n ?? 0;
}

/** With token authentication. False when the organisation has a gateway of that name. */
export async function insertGateway(
  sql: Sql,
  row: { id: string; orgId: string; name: string; authMethodId: string; now: string },
): Promise<boolean> {
  const made = await sql`
    INSERT INTO gateways (id, org_id, name, created_at, updated_at)
    VALUES (${row.id}, ${row.orgId}, ${row.name}, ${row.now}, ${row.now})
    ON CONFLICT DO NOTHING RETURNING id`;
  if (made.length === 0) return false;
  await sql`
    INSERT INTO auth_methods (id, gateway_id, method, created_at, updated_at)
    VALUES (${row.authMethodId}, ${row.id}, 'token', ${row.now}, ${row.now})`;
  return true;
}

/** False when it is gone already, or in another organisation. */
export async function deleteGateway(sql: Sql, orgId: string, id: string): Promise<boolean> {
  const gone = await sql`DELETE FROM gateways WHERE id = ${id} AND org_id = ${orgId} RETURNING id`;
  return gone.length === 1;
}

/** What a login does: earlier access tokens are worthless, health begins anew (PROTOCOL B). Undefined = no such row. */
export async function raiseGatewayVersion(
  sql: Sql,
  id: string,
  now: string,
): Promise<{ token_version: number; name: string } | undefined> {
  const [row] = await sql<{ token_version: number; name: string }>`
    UPDATE gateways
    SET token_version = token_version + 1, heartbeat = NULL, heartbeat_ttl = NULL, updated_at = ${now}
    WHERE id = ${id} RETURNING token_version, name`;
  if (row) await forgetHealth(sql, id, now);
  return row;
}

/**
 * What a revocation does: earlier access tokens are worthless; the last heartbeat stays for people to read.
 * @returns the new version; undefined = no such row
 */
export async function revokeGateway(
  sql: Sql,
  orgId: string,
  id: string,
  now: string,
): Promise<number | undefined> {
  const [row] = await sql<{ token_version: number }>`
    UPDATE gateways SET token_version = token_version + 1, updated_at = ${now}
    WHERE id = ${id} AND org_id = ${orgId} RETURNING token_version`;
  if (row) await storeRevoked(sql, id, now);
  return row?.token_version;
}

/** Generations of authorities that a gateway was just given to trust; `instance` 0 = it has no relay of the instance's. */
export interface GatewayTrust {
  organisation: number;
  instance: number;
}

/**
 * Declares the complete set of relays, best first (PROTOCOL A.1, "Declarative"): the heartbeat is kept only if the
 * first stays the same. Only while `tokenVersion` is still the caller's: false means that it was revoked meanwhile.
 */
export async function declareGatewayRelays(
  sql: Sql,
  row: { id: string; tokenVersion: number; relayIds: string[]; trusts: GatewayTrust; now: string },
): Promise<boolean> {
  const first = row.relayIds[0] ?? null;
  const updated = await sql`
    UPDATE gateways
    SET heartbeat = CASE WHEN relay_id = ${first} THEN heartbeat ELSE NULL END,
        relay_id = ${first}, org_trust = ${row.trusts.organisation}, instance_trust = ${row.trusts.instance},
        updated_at = ${row.now}
    WHERE id = ${row.id} AND token_version = ${row.tokenVersion} RETURNING id`;
  if (updated.length === 0) return false;
  await sql`DELETE FROM gateway_relays WHERE gateway_id = ${row.id}`;
  for (const [position, relayId] of row.relayIds.entries()) {
    await sql`
      INSERT INTO gateway_relays (gateway_id, relay_id, position) VALUES (${row.id}, ${relayId}, ${position})`;
  }
  return true;
}

/** The relays that a gateway declared last, best first; those deleted since are missing. */
export async function listGatewayRelays(sql: Sql, gatewayId: string): Promise<RelayRow[]> {
  return await sql<RelayRow>`
    SELECT r.* FROM gateway_relays g JOIN relays r ON r.id = g.relay_id
    WHERE g.gateway_id = ${gatewayId} ORDER BY g.position`;
}

/** Relays at which a gateway may still log in: declared now, or before with a certificate that is still valid. */
export async function listAudience(sql: Sql, gatewayId: string, now: string): Promise<string[]> {
  const rows = await sql<{ relay_id: string }>`
    SELECT relay_id FROM gateway_relays WHERE gateway_id = ${gatewayId}
    UNION
    SELECT relay_id FROM issued_certificates
    WHERE gateway_id = ${gatewayId} AND profile = 'ssh-user' AND not_after > ${now} AND relay_id IS NOT NULL`;
  return rows.map((row) => row.relay_id);
}

/** The credential generation of each gateway of an organisation. */
export async function listGenerations(sql: Sql, orgId: string): Promise<GatewayGeneration[]> {
  return await sql<GatewayGeneration>`
    SELECT id AS gateway_id, token_version AS generation FROM gateways WHERE org_id = ${orgId}`;
}

/** The same of each gateway that may log in at one relay (see `listAudience`). */
export async function listGenerationsAtRelay(
  sql: Sql,
  relayId: string,
  now: string,
): Promise<GatewayGeneration[]> {
  return await sql<GatewayGeneration>`
    SELECT g.id AS gateway_id, g.token_version AS generation FROM gateways g
    WHERE g.id IN (SELECT gateway_id FROM gateway_relays WHERE relay_id = ${relayId})
      OR g.id IN (SELECT gateway_id FROM issued_certificates
        WHERE relay_id = ${relayId} AND profile = 'ssh-user' AND not_after > ${now})`;
}

export interface GatewayGeneration {
  gateway_id: string;
  generation: number;
}

/** False when another gateway of the organisation has that name. */
export async function renameGatewayRow(
  sql: Sql,
  { id, orgId, name, now }: { id: string; orgId: string; name: string; now: string },
): Promise<boolean> {
  const named = await sql`
    UPDATE gateways SET name = ${name}, updated_at = ${now}
    WHERE id = ${id} AND NOT EXISTS (
      SELECT 1 FROM gateways o WHERE o.org_id = ${orgId} AND o.name = ${name} AND o.id <> ${id})
    RETURNING id`;
  return named.length === 1;
}

/** The same of all of these; rows that say so already are left alone. */
export async function storeCapabilities(sql: Sql, ids: string[], capabilities: string): Promise<void> {
  await inChunks(
    ids,
    (chunk) => withLists(sql)`
      UPDATE gateways SET capabilities = ${capabilities}
      WHERE id IN (${chunk}) AND COALESCE(capabilities, '') <> ${capabilities}`,
  );
}

/** A probe's outcome; an unreachable one keeps the time of its last heartbeat. */
export async function storeGatewayHealth(
  sql: Sql,
  row: { id: string; heartbeat: string | null; ttlSeconds: number },
): Promise<void> {
  await sql`
    UPDATE gateways SET heartbeat = COALESCE(${row.heartbeat}, heartbeat), heartbeat_ttl = ${row.ttlSeconds}
    WHERE id = ${row.id}`;
}
