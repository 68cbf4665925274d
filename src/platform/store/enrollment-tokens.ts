import type { Sql } from "./database.ts";

export interface EnrollmentTokenRow {
  id: string;
  /** Of the gateway or relay; null = a relay of the instance. */
  org_id: string | null;
  expires_at: string;
  gateway_id: string | null;
  relay_id: string | null;
}

export async function findEnrollmentToken(
  sql: Sql,
  tokenHash: string,
): Promise<EnrollmentTokenRow | undefined> {
  const [row] = await sql<EnrollmentTokenRow>`
    SELECT t.id, CASE WHEN a.relay_id IS NULL THEN t.org_id ELSE r.org_id END AS org_id, t.expires_at,
      a.gateway_id, a.relay_id
    FROM enrollment_tokens t JOIN auth_methods a ON a.id = t.auth_method_id
    LEFT JOIN relays r ON r.id = a.relay_id
    WHERE t.token_hash = ${tokenHash}`;
  return row;
}

/** Takes the place of an earlier one: each resource has one live token (PROTOCOL A.4). */
export async function storeEnrollmentToken(
  sql: Sql,
  row: {
    id: string;
    orgId: string;
    authMethodId: string;
    tokenHash: string;
    ttlSeconds: number;
    expiresAt: string;
    now: string;
  },
): Promise<void> {
  await sql`
    INSERT INTO enrollment_tokens (id, org_id, auth_method_id, token_hash, ttl, expires_at, created_at)
    VALUES (${row.id}, ${row.orgId}, ${row.authMethodId}, ${row.tokenHash}, ${row.ttlSeconds}, ${row.expiresAt}, ${row.now})
    ON CONFLICT (auth_method_id) DO UPDATE SET id = excluded.id, token_hash = excluded.token_hash,
      ttl = excluded.ttl, expires_at = excluded.expires_at, created_at = excluded.created_at`;
}

/** True for one caller only, however many try at once, and only while tokens are how its owner logs in. */
export async function consumeEnrollmentToken(sql: Sql, id: string, tokenHash: string): Promise<boolean> {
  const gone = await sql`
    DELETE FROM enrollment_tokens WHERE id = ${id} AND token_hash = ${tokenHash}
      AND auth_method_id IN (SELECT id FROM auth_methods WHERE method = 'token') RETURNING id`;
  return gone.length === 1;
}

export async function deleteGatewayTokens(sql: Sql, gatewayId: string): Promise<void> {
  await sql`
    DELETE FROM enrollment_tokens
    WHERE auth_method_id IN (SELECT id FROM auth_methods WHERE gateway_id = ${gatewayId})`;
}

export async function deleteRelayTokens(sql: Sql, relayId: string): Promise<void> {
  await sql`
    DELETE FROM enrollment_tokens
    WHERE auth_method_id IN (SELECT id FROM auth_methods WHERE relay_id = ${relayId})`;
}
