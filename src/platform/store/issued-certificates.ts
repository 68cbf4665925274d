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
  actorType: "user" | "gateway" | "relay";
  actorId: string | null;
  /** `host:port` of a gateway-client certificate. */
  target: string | null;
  notAfter: string;
}

export async function insertIssued(sql: Sql, rows: IssuedCertificate[], now: string): Promise<void> {
  for (const row of rows) {
    await sql`
      INSERT INTO issued_certificates (serial, profile, org_id, gateway_id, relay_id, resource_id, actor_type,
        actor_id, target, issued_at, not_after)
      VALUES (${row.serial}, ${row.profile}, ${row.orgId}, ${row.gatewayId}, ${row.relayId}, ${row.resourceId},
        ${row.actorType}, ${row.actorId}, ${row.target}, ${now}, ${row.notAfter})`;
  }
}

/** What expired before `time` can't be used, so it needs no refusing either. */
export async function deleteIssuedBefore(sql: Sql, time: string): Promise<void> {
  await sql`DELETE FROM issued_certificates WHERE not_after < ${time}`;
}
