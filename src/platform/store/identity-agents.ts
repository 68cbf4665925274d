import type { Sql } from "./database.ts";
import { forgetHealth, storeRevoked } from "./health.ts";

/** A gateway or a relay that runs as a machine identity. */
export interface AgentRow {
  id: string;
  name: string;
  token_version: number;
}

export async function findGatewayOf(sql: Sql, identityId: string): Promise<AgentRow | undefined> {
  const [row] = await sql<AgentRow>`
    SELECT id, name, token_version FROM gateways WHERE identity_id = ${identityId}`;
  return row;
}

export async function findRelayOf(
  sql: Sql,
  identityId: string,
): Promise<(AgentRow & { host: string }) | undefined> {
  const [row] = await sql<AgentRow & { host: string }>`
    SELECT id, name, host, token_version FROM relays WHERE identity_id = ${identityId}`;
  return row;
}

/** Makes a gateway the identity's, and how it logs in is no longer for people to change. */
export async function attachGateway(
  sql: Sql,
  row: { id: string; name: string; identityId: string; secretId: string; now: string },
): Promise<void> {
  await sql`
    UPDATE gateways
    SET identity_id = ${row.identityId}, identity_secret_id = ${row.secretId}, name = ${row.name},
      updated_at = ${row.now}
    WHERE id = ${row.id}`;
  await sql`UPDATE auth_methods SET method = 'identity', updated_at = ${row.now} WHERE gateway_id = ${row.id}`;
  await acceptAgain(sql, row.id, row.now);
}

export async function attachRelay(
  sql: Sql,
  row: { id: string; identityId: string; secretId: string; now: string },
): Promise<void> {
  await sql`
    UPDATE relays SET identity_id = ${row.identityId}, identity_secret_id = ${row.secretId}, updated_at = ${row.now}
    WHERE id = ${row.id}`;
  await sql`UPDATE auth_methods SET method = 'identity', updated_at = ${row.now} WHERE relay_id = ${row.id}`;
  await acceptAgain(sql, row.id, row.now);
}

/** A login after a revocation: health begins anew, as it does at every login of those who enroll. */
async function acceptAgain(sql: Sql, id: string, now: string): Promise<void> {
  const revoked = await sql`
    SELECT subject_id FROM health WHERE subject_id = ${id} AND revoked_at IS NOT NULL`;
  if (revoked.length > 0) await forgetHealth(sql, id, now);
}

/** Its certificates are outdated, and an enrollment token is the way back. */
export async function detachGateway(
  sql: Sql,
  identityId: string,
  now: string,
): Promise<AgentRow | undefined> {
  const [row] = await sql<AgentRow>`
    UPDATE gateways SET identity_id = NULL, identity_secret_id = NULL, token_version = token_version + 1,
      updated_at = ${now}
    WHERE identity_id = ${identityId} RETURNING id, name, token_version`;
  if (row) {
    await sql`UPDATE auth_methods SET method = 'token', updated_at = ${now} WHERE gateway_id = ${row.id}`;
    await storeRevoked(sql, row.id, now);
  }
  return row;
}

export async function detachRelay(sql: Sql, identityId: string, now: string): Promise<AgentRow | undefined> {
  const [row] = await sql<AgentRow>`
    UPDATE relays SET identity_id = NULL, identity_secret_id = NULL, token_version = token_version + 1,
      updated_at = ${now}
    WHERE identity_id = ${identityId} RETURNING id, name, token_version`;
  if (row) {
    await sql`UPDATE auth_methods SET method = 'token', updated_at = ${now} WHERE relay_id = ${row.id}`;
    await storeRevoked(sql, row.id, now);
  }
  return row;
}

/** Only if it logged in with this secret last. */
export async function revokeGatewayOf(
  sql: Sql,
  identityId: string,
  secretId: string,
  now: string,
): Promise<AgentRow | undefined> {
  const [row] = await sql<AgentRow>`
    UPDATE gateways SET token_version = token_version + 1, identity_secret_id = NULL, updated_at = ${now}
    WHERE identity_id = ${identityId} AND identity_secret_id = ${secretId} RETURNING id, name, token_version`;
  if (row) await storeRevoked(sql, row.id, now);
  return row;
}

/** Only if it logged in with this secret last. */
export async function revokeRelayOf(
  sql: Sql,
  identityId: string,
  secretId: string,
  now: string,
): Promise<AgentRow | undefined> {
  const [row] = await sql<AgentRow>`
    UPDATE relays SET token_version = token_version + 1, identity_secret_id = NULL, updated_at = ${now}
    WHERE identity_id = ${identityId} AND identity_secret_id = ${secretId} RETURNING id, name, token_version`;
  if (row) await storeRevoked(sql, row.id, now);
  return row;
}
