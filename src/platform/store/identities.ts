import type { Sql } from "./database.ts";

export interface IdentityRow {
  id: string;
  org_id: string;
  name: string;
  role: string;
  /** What it logs in with, besides a secret. */
  client_id: string;
  /** Seconds. */
  access_token_ttl: number;
  /** Seconds from the login; no renewal lasts longer. */
  access_token_max_ttl: number;
  created_at: string;
  updated_at: string;
  last_login_at: string | null;
}

/** An identity as management shows it. */
export interface IdentityView extends IdentityRow {
  /** Of a role of the organisation's own. */
  role_name: string | null;
  secret_count: number;
  /** What runs as this identity. */
  gateway_name: string | null;
  relay_name: string | null;
}

/** An identity as one of its access tokens shows it. */
export interface IdentityHolder {
  id: string;
  name: string;
  org_id: string;
  org_name: string;
  role: string;
  /** JSON, of a role of the organisation's own. */
  rights: string | null;
  access_token_ttl: number;
  access_token_max_ttl: number;
}

/** All identities of an organisation, or the one with this id or name. At most as many as an organisation may have. */
export async function listIdentityViews(
  sql: Sql,
  orgId: string,
  idOrName: string | null,
): Promise<IdentityView[]> {
  return await sql<IdentityView>`
    SELECT i.id, i.org_id, i.name, i.role, o.name AS role_name, i.client_id, i.access_token_ttl, i.access_token_max_ttl,
      i.created_at, i.updated_at, i.last_login_at,
      (SELECT CAST(count(*) AS INTEGER) FROM identity_secrets s WHERE s.identity_id = i.id) AS secret_count,
      (SELECT g.name FROM gateways g WHERE g.identity_id = i.id) AS gateway_name,
      (SELECT r.name FROM relays r WHERE r.identity_id = i.id) AS relay_name
    FROM identities i LEFT JOIN roles o ON o.id = i.role AND o.org_id = i.org_id
    WHERE i.org_id = ${orgId}
      AND (CAST(${idOrName} AS TEXT) IS NULL OR i.id = ${idOrName} OR i.name = ${idOrName})
    ORDER BY CASE WHEN i.id = ${idOrName} THEN 0 ELSE 1 END, i.name`;
}

export async function findIdentityByClientId(sql: Sql, clientId: string): Promise<IdentityRow | undefined> {
  const [row] = await sql<IdentityRow>`SELECT * FROM identities WHERE client_id = ${clientId}`;
  return row;
}

/** The identity, if the secret that its token came from still exists. */
export async function findIdentityHolder(
  sql: Sql,
  token: { identityId: string; secretId: string },
): Promise<IdentityHolder | undefined> {
  const [row] = await sql<IdentityHolder>`
    SELECT i.id, i.name, i.org_id, o.name AS org_name, i.role, r.rights, i.access_token_ttl,
      i.access_token_max_ttl
    FROM identities i
    JOIN identity_secrets s ON s.identity_id = i.id
    JOIN organisations o ON o.id = i.org_id
    LEFT JOIN roles r ON r.id = i.role AND r.org_id = i.org_id
    WHERE i.id = ${token.identityId} AND s.id = ${token.secretId}`;
  return row;
}

export async function countIdentities(sql: Sql, orgId: string): Promise<number> {
  const [row] = await sql<{ n: number }>`
    SELECT CAST(count(*) AS INTEGER) AS n FROM identities WHERE org_id = ${orgId}`;
  return row?.n ?? 0;
}

/** False when the organisation has an identity of that name. */
export async function insertIdentity(
  sql: Sql,
  row: {
    id: string;
    orgId: string;
    name: string;
    role: string;
    clientId: string;
    ttlSeconds: number;
    maxTtlSeconds: number;
    createdBy: string;
    now: string;
  },
): Promise<boolean> {
  const made = await sql`
    INSERT INTO identities (id, org_id, name, role, client_id, access_token_ttl, access_token_max_ttl,
      created_by, created_at, updated_at)
    VALUES (${row.id}, ${row.orgId}, ${row.name}, ${row.role}, ${row.clientId}, ${row.ttlSeconds},
      ${row.maxTtlSeconds}, ${row.createdBy}, ${row.now}, ${row.now})
    ON CONFLICT DO NOTHING RETURNING id`;
  return made.length === 1;
}

/** False when it is gone. @throws when the organisation has another identity of that name */
export async function updateIdentity(
  sql: Sql,
  row: { id: string; name: string; role: string; ttlSeconds: number; maxTtlSeconds: number; now: string },
): Promise<boolean> {
  const rows = await sql`
    UPDATE identities
    SET name = ${row.name}, role = ${row.role}, access_token_ttl = ${row.ttlSeconds},
      access_token_max_ttl = ${row.maxTtlSeconds}, updated_at = ${row.now}
    WHERE id = ${row.id} RETURNING id`;
  return rows.length === 1;
}

export async function noteLogin(sql: Sql, id: string, now: string): Promise<void> {
  await sql`UPDATE identities SET last_login_at = ${now} WHERE id = ${id}`;
}

/** Its secrets and grants go with it. False when it is gone already. */
export async function deleteIdentity(sql: Sql, orgId: string, id: string): Promise<boolean> {
  const gone = await sql`DELETE FROM identities WHERE id = ${id} AND org_id = ${orgId} RETURNING id`;
  return gone.length === 1;
}
