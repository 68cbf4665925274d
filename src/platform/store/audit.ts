import type { Sql } from "./database.ts";

/** Names as Infisical's audit log has them where it has them (PROTOCOL F). */
export const AUDIT_EVENTS = [
  "INSTANCE_BOOTSTRAP",
  "AUTHORITIES_ROTATION_START",
  "AUTHORITIES_ROTATION_ISSUE",
  "AUTHORITIES_ROTATION_END",
  "AUTHORITIES_ROTATION_ABORT",
  "AUTHORITIES_REPLACE",
  "ALERT_DESTINATION_CREATE",
  "ALERT_DESTINATION_DELETE",
  "USER_LOGIN",
  "USER_LOGIN_FAILED",
  "USER_LOGOUT",
  "USER_PASSWORD_CHANGE",
  "USER_PASSWORD_RESET_LINK",
  "USER_PASSWORD_RESET",
  "USER_SWITCH_ORGANISATION",
  "USER_TOKEN_CREATE",
  "USER_TOKEN_DELETE",
  "ORGANISATION_CREATE",
  "ORGANISATION_UPDATE",
  "MEMBER_INVITE",
  "MEMBER_INVITATION_DELETE",
  "MEMBER_JOIN",
  "MEMBER_UPDATE",
  "MEMBER_REMOVE",
  "ROLE_CREATE",
  "ROLE_UPDATE",
  "ROLE_DELETE",
  "GATEWAY_CREATE",
  "GATEWAY_DELETE",
  "GATEWAY_ENROLLMENT_TOKEN_CREATE",
  "GATEWAY_POOL_CREATE",
  "GATEWAY_POOL_UPDATE",
  "GATEWAY_POOL_DELETE",
  "GATEWAY_POOL_ADD_MEMBER",
  "GATEWAY_POOL_REMOVE_MEMBER",
  "GATEWAY_UPDATE",
  "RELAY_CREATE",
  "RELAY_UPDATE",
  "RELAY_DELETE",
  "RELAY_ENROLLMENT_TOKEN_CREATE",
  "RELAY_REGISTER",
  "RELAY_REGISTER_REFUSED",
  "RESOURCE_AUTH_METHOD_LOGIN",
  "RESOURCE_AUTH_METHOD_LOGIN_FAILED",
  "RESOURCE_AUTH_METHOD_REVOKE",
  "RESOURCE_AUTH_METHOD_UPDATE",
  "RESOURCE_CREATE",
  "RESOURCE_DELETE",
  "RESOURCE_UPDATE",
  "RESOURCE_ACCESS",
  "RESOURCE_ACCESS_REVOKE",
  "RESOURCE_GRANT",
  "RESOURCE_GRANT_ENDED",
  "RESOURCE_UNGRANT",
  "IDENTITY_CREATE",
  "IDENTITY_UPDATE",
  "IDENTITY_DELETE",
  "IDENTITY_LOGIN",
  "IDENTITY_LOGIN_FAILED",
  "IDENTITY_SECRET_CREATE",
  "IDENTITY_SECRET_REVOKE",
  "RELAY_DRAIN",
] as const;

export type AuditEvent = (typeof AUDIT_EVENTS)[number];

export interface AuditEntry {
  orgId: string | null;
  event: AuditEvent;
  actor: {
    type: "user" | "identity" | "gateway" | "relay" | "instance";
    id: string | null;
    name: string | null;
  };
  /** Of the caller; null for a command on the platform's own machine. */
  address: string | null;
  /** What changed. Never a secret. */
  detail: Record<string, string | number | boolean | null>;
}

export interface AuditRow {
  id: string;
  created_at: string;
  event: string;
  actor_type: string;
  actor_id: string | null;
  actor_name: string | null;
  address: string | null;
  /** JSON. */
  detail: string;
}

export interface AuditFilter {
  orgId: string;
  since: string | null;
  until: string | null;
  event: string | null;
  /** An id, a name or an e-mail address. */
  actor: string | null;
  /** Only what comes after this one, in the order of the list. */
  after: { time: string; id: string } | null;
  limit: number;
}

/** Newest first. */
export async function listAudit(sql: Sql, filter: AuditFilter): Promise<AuditRow[]> {
  const { orgId, since, until, event, actor, after, limit } = filter;
  const time = after?.time ?? null;
  const id = after?.id ?? null;
  return await sql<AuditRow>`
    SELECT id, created_at, event, actor_type, actor_id, actor_name, address, detail FROM audit_log
    WHERE org_id = ${orgId}
      AND (created_at >= ${since} OR CAST(${since} AS TEXT) IS NULL)
      AND (created_at < ${until} OR CAST(${until} AS TEXT) IS NULL)
      AND (event = ${event} OR CAST(${event} AS TEXT) IS NULL)
      AND (actor_id = ${actor} OR actor_name = ${actor} OR CAST(${actor} AS TEXT) IS NULL)
      AND (created_at < ${time} OR (created_at = ${time} AND id < ${id}) OR CAST(${time} AS TEXT) IS NULL)
    ORDER BY created_at DESC, id DESC LIMIT ${limit}`;
}

export async function deleteAuditBefore(sql: Sql, time: string): Promise<void> {
  await sql`DELETE FROM audit_log WHERE created_at < ${time}`;
}

export async function insertAudit(sql: Sql, entry: AuditEntry, now: string): Promise<void> {
  const { actor } = entry;
  await sql`
    INSERT INTO audit_log (id, org_id, created_at, event, actor_type, actor_id, actor_name, address, detail)
    VALUES (${crypto.randomUUID()}, ${entry.orgId}, ${now}, ${entry.event}, ${actor.type}, ${actor.id},
      ${actor.name}, ${entry.address}, ${JSON.stringify(entry.detail)})`;
}
