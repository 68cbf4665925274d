import type { Sql } from "./database.ts";

export type CertificateProfile =
  | "relay-server"
  | "relay-client"
  | "gateway-server"
  | "gateway-client"
  | "ssh-user"
  | "ssh-host";

export interface IssuedCertificate {
  /** X.509: lower-case hex without leading zeros. SSH: decimal. */
  serial: string;
  profile: CertificateProfile;
  orgId: string | null;
  gatewayId: string | null;
  relayId: string | null;
  resourceId: string | null;
  /** Who asked for it. */
  actorType: "user" | "identity" | "gateway" | "relay";
  actorId: string | null;
  /** `host:port` of a gateway-client certificate. */
  target: string | null;
  notAfter: string;
  /** What all certificates of one access answer share. */
  accessId?: string;
  grantId?: string;
  /** What a machine identity logged in with. */
  identitySecretId?: string;
}

export async function insertIssued(sql: Sql, rows: IssuedCertificate[], now: string): Promise<void> {
  for (const row of rows) {
    await sql`
      INSERT INTO issued_certificates (serial, profile, org_id, gateway_id, relay_id, resource_id, actor_type,
        actor_id, target, issued_at, not_after, access_id, grant_id, identity_secret_id)
      VALUES (${row.serial}, ${row.profile}, ${row.orgId}, ${row.gatewayId}, ${row.relayId}, ${row.resourceId},
        ${row.actorType}, ${row.actorId}, ${row.target}, ${now}, ${row.notAfter}, ${row.accessId ?? null},
        ${row.grantId ?? null}, ${row.identitySecretId ?? null})`;
  }
}

/** The gateway that an access was issued for, while its certificates are good. */
export async function findAccessGateway(
  sql: Sql,
  asked: { accessId: string; resourceId: string; holderId: string; now: string },
): Promise<string | undefined> {
  const { accessId, resourceId, holderId, now } = asked;
  const [row] = await sql<{ gateway_id: string }>`
    SELECT gateway_id FROM issued_certificates
    WHERE access_id = ${accessId} AND profile = 'gateway-client' AND resource_id = ${resourceId}
      AND actor_id = ${holderId} AND not_after > ${now} AND gateway_id IS NOT NULL`;
  return row?.gateway_id;
}

/** Which certificates of people and machine identities to end: all that are given have to fit. */
export interface AccessFilter {
  orgId: string;
  resourceId?: string;
  /** A person or a machine identity. */
  holderId?: string;
  grantId?: string;
  identitySecretId?: string;
  /** Only what a right allowed, not a grant. */
  withoutGrant?: boolean;
}

/**
 * Marks certificates of holders as ended, expired ones too: a connection outlives the certificate that opened it.
 * @returns those that were not ended before
 */
export async function endIssued(
  sql: Sql,
  filter: AccessFilter,
  now: string,
): Promise<{ serial: string; gateway_id: string }[]> {
  const { orgId, resourceId = null, holderId = null, grantId = null, identitySecretId = null } = filter;
  const withoutGrant = filter.withoutGrant ? 1 : 0;
  return await sql<{ serial: string; gateway_id: string }>`
    UPDATE issued_certificates SET ended_at = ${now}
    WHERE org_id = ${orgId} AND actor_type IN ('user', 'identity') AND ended_at IS NULL AND gateway_id IS NOT NULL
      AND (resource_id = ${resourceId} OR CAST(${resourceId} AS TEXT) IS NULL)
      AND (actor_id = ${holderId} OR CAST(${holderId} AS TEXT) IS NULL)
      AND (grant_id = ${grantId} OR CAST(${grantId} AS TEXT) IS NULL)
      AND (identity_secret_id = ${identitySecretId} OR CAST(${identitySecretId} AS TEXT) IS NULL)
      AND (grant_id IS NULL OR CAST(${withoutGrant} AS INTEGER) = 0)
    RETURNING serial, gateway_id`;
}

/** Serials to refuse, newest first: of an organisation (null = of all), or of one gateway. */
export async function listEndedSerials(
  sql: Sql,
  scope: { orgId: string | null; gatewayId: string | null; limit: number },
): Promise<string[]> {
  const rows = await sql<{ serial: string }>`
    SELECT serial FROM issued_certificates
    WHERE ended_at IS NOT NULL
      AND (org_id = ${scope.orgId} OR CAST(${scope.orgId} AS TEXT) IS NULL)
      AND (gateway_id = ${scope.gatewayId} OR CAST(${scope.gatewayId} AS TEXT) IS NULL)
    ORDER BY ended_at DESC LIMIT ${scope.limit}`;
  return rows.map((row) => row.serial);
}

/**
 * What expired before `time` can't be used any more, so it needs no refusing either, unless a connection that it opened
 * still lives.
 */
export async function deleteIssuedBefore(sql: Sql, time: string): Promise<void> {
  await sql`
    DELETE FROM issued_certificates
    WHERE not_after < ${time} AND (access_id IS NULL OR access_id NOT IN (
      SELECT access_id FROM connections WHERE closed_at IS NULL AND access_id IS NOT NULL))`;
}
