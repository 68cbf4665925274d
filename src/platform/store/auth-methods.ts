import type { Sql } from "./database.ts";

/** What has a way to log in: see `auth_methods`. */
export type ResourceKind = "gateway" | "relay";

export interface AuthMethodRow {
  id: string;
  resource_id: string;
  org_id: string;
  /** Of the gateway or the relay. */
  name: string;
  method: string;
  /** JSON; null for methods without settings. */
  settings: string | null;
  sealed_reviewer_jwt: string | null;
  /** Changes with the settings. */
  revision: string | null;
}

/** How a gateway or a relay logs in. An instance relay has no such row. */
export async function findAuthMethod(
  sql: Sql,
  kind: ResourceKind,
  resourceId: string,
): Promise<AuthMethodRow | undefined> {
  const [row] =
    kind === "gateway"
      ? await sql<AuthMethodRow>`
          SELECT a.id, g.id AS resource_id, g.org_id, g.name, a.method, s.settings, s.sealed_reviewer_jwt, s.revision
          FROM gateways g JOIN auth_methods a ON a.gateway_id = g.id
          LEFT JOIN auth_method_settings s ON s.auth_method_id = a.id WHERE g.id = ${resourceId}`
      : await sql<AuthMethodRow>`
          SELECT a.id, r.id AS resource_id, r.org_id, r.name, a.method, s.settings, s.sealed_reviewer_jwt, s.revision
          FROM relays r JOIN auth_methods a ON a.relay_id = r.id
          LEFT JOIN auth_method_settings s ON s.auth_method_id = a.id
          WHERE r.id = ${resourceId} AND r.org_id IS NOT NULL`;
  return row;
}

/** From now on that is the way; enrollment tokens that are not redeemed yet are worthless. False when the row is gone. */
export async function storeAuthMethod(
  sql: Sql,
  row: {
    id: string;
    method: string;
    settings: string | null;
    sealedReviewerJwt: string | null;
    now: string;
  },
): Promise<boolean> {
  const { id, method, settings, sealedReviewerJwt, now } = row;
  const changed = await sql`
    UPDATE auth_methods SET method = ${method}, updated_at = ${now} WHERE id = ${id} RETURNING id`;
  if (changed.length === 0) return false;
  if (method !== "token") await sql`DELETE FROM enrollment_tokens WHERE auth_method_id = ${id}`;
  if (settings === null) {
    await sql`DELETE FROM auth_method_settings WHERE auth_method_id = ${id}`;
    return true;
  }
  await sql`
    INSERT INTO auth_method_settings (auth_method_id, settings, sealed_reviewer_jwt, revision)
    VALUES (${id}, ${settings}, ${sealedReviewerJwt}, ${crypto.randomUUID()})
    ON CONFLICT (auth_method_id) DO UPDATE SET settings = excluded.settings,
      sealed_reviewer_jwt = excluded.sealed_reviewer_jwt, revision = excluded.revision`;
  return true;
}

/** Whether the settings are still these, and stay so until the transaction ends. */
export async function holdAuthMethod(sql: Sql, id: string, revision: string): Promise<boolean> {
  const held = await sql`
    UPDATE auth_method_settings SET revision = revision
    WHERE auth_method_id = ${id} AND revision = ${revision} RETURNING auth_method_id`;
  return held.length === 1;
}

/** The method, which stays so until the transaction ends; undefined when there is no such row. */
export async function holdMethod(sql: Sql, id: string): Promise<string | undefined> {
  const [row] = await sql<{ method: string }>`
    UPDATE auth_methods SET method = method WHERE id = ${id} RETURNING method`;
  return row?.method;
}

export async function isSignatureSpent(sql: Sql, hash: string, resourceId: string): Promise<boolean> {
  const rows = await sql`
    SELECT 1 AS spent FROM spent_signatures WHERE signature_hash = ${hash} AND resource_id = ${resourceId}`;
  return rows.length > 0;
}

/** True for one caller only, however many try at once. Forgets those that nobody could use any more. */
export async function spendSignature(
  sql: Sql,
  row: { hash: string; resourceId: string; expiresAt: string; now: string },
): Promise<boolean> {
  await sql`DELETE FROM spent_signatures WHERE expires_at <= ${row.now}`;
  const spent = await sql`
    INSERT INTO spent_signatures (signature_hash, resource_id, expires_at)
    VALUES (${row.hash}, ${row.resourceId}, ${row.expiresAt})
    ON CONFLICT DO NOTHING RETURNING signature_hash`;
  return spent.length === 1;
}
