import type { Sql } from "./database.ts";

/** Names as Infisical's audit log has them where it has them (PROTOCOL F). */
export type AuditEvent =
  | "INSTANCE_BOOTSTRAP"
  | "USER_LOGIN"
  | "USER_LOGOUT"
  | "GATEWAY_CREATE"
  | "GATEWAY_DELETE"
  | "GATEWAY_ENROLLMENT_TOKEN_CREATE"
  | "RELAY_CREATE"
  | "RELAY_UPDATE"
  | "RELAY_DELETE"
  | "RELAY_ENROLLMENT_TOKEN_CREATE"
  | "RELAY_REGISTER"
  | "RESOURCE_AUTH_METHOD_LOGIN"
  | "RESOURCE_AUTH_METHOD_REVOKE"
  | "RESOURCE_CREATE"
  | "RESOURCE_DELETE"
  | "RESOURCE_ACCESS"
  | "RESOURCE_ACCESS_REVOKE"
  | "RESOURCE_GRANT"
  | "RESOURCE_GRANT_ENDED"
  | "RESOURCE_UNGRANT"
  | "RELAY_DRAIN";

export interface AuditEntry {
  orgId: string | null;
  event: AuditEvent;
  actor: { type: "user" | "gateway" | "relay" | "instance"; id: string | null; name: string | null };
  /** Of the caller; null for a command on the platform's own machine. */
  address: string | null;
  /** What changed. Never a secret. */
  detail: Record<string, string | number | boolean | null>;
}

export async function insertAudit(sql: Sql, entry: AuditEntry, now: string): Promise<void> {
  const { actor } = entry;
  await sql`
    INSERT INTO audit_log (id, org_id, created_at, event, actor_type, actor_id, actor_name, address, detail)
    VALUES (${crypto.randomUUID()}, ${entry.orgId}, ${now}, ${entry.event}, ${actor.type}, ${actor.id},
      ${actor.name}, ${entry.address}, ${JSON.stringify(entry.detail)})`;
}
