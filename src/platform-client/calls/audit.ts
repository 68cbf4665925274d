import { z } from "zod";
import type { AnswerStream } from "../transport.ts";
import { Calls, filtered, get } from "./calls.ts";
import { id, instant, name } from "./fields.ts";

/** Times are RFC 3339; `cursor` is `next` of the page before. */
export interface AuditFilter {
  since?: string;
  until?: string;
  event?: string;
  actor?: string;
  limit?: number;
  cursor?: string;
}

export interface ConnectionFilter {
  since?: string;
  until?: string;
  gatewayId?: string;
  resourceId?: string;
  /** A user id or an e-mail address. */
  actor?: string;
  open?: boolean;
  limit?: number;
  cursor?: string;
}

const auditEntry = z.object({
  id,
  time: instant,
  event: z.string().max(64),
  actor: z.object({ type: z.string().max(64), id: z.string().nullable(), name: z.string().nullable() }),
  address: z.string().max(64).nullable(),
  detail: z.record(z.string(), z.unknown()),
});
const auditPage = z.object({ entries: z.array(auditEntry).max(1000), next: z.string().nullable() });
export type AuditPage = z.infer<typeof auditPage>;

const connectionEntry = z.object({
  id,
  gatewayId: id,
  gatewayName: name,
  resourceId: z.string().nullable(),
  resourceName: z.string().nullable(),
  grantId: z.string().nullable(),
  serial: z.string(),
  mode: z.string(),
  actor: z.object({ type: z.string(), id: z.string().nullable(), name: z.string().nullable() }),
  target: z.string(),
  openedAt: instant,
  closedAt: instant.nullable(),
  bytesUp: z.number().nullable(),
  bytesDown: z.number().nullable(),
  durationMs: z.number().nullable(),
  cause: z.string().nullable(),
});
const connectionPage = z.object({
  connections: z.array(connectionEntry).max(1000),
  next: z.string().nullable(),
});
export type ConnectionPage = z.infer<typeof connectionPage>;

/** What happened, and who was connected to what. */
export class AuditCalls extends Calls {
  /** A page of the audit log, newest first. */
  list(filter: AuditFilter = {}): Promise<AuditPage> {
    return this.call({ ...get(filtered("/v1/audit", filter)), answer: auditPage });
  }

  /** A page of the connections, newest first. */
  connections(filter: ConnectionFilter = {}): Promise<ConnectionPage> {
    return this.call({ ...get(filtered("/v1/audit/connections", filter)), answer: connectionPage });
  }

  /** All of a list that fits the filter, as JSON Lines, newest first. */
  export(what: "audit" | "connections", filter: object, signal: AbortSignal): Promise<AnswerStream> {
    const where = what === "audit" ? "/v1/audit/export" : "/v1/audit/connections/export";
    return this.transport.open(get(filtered(where, filter)), signal);
  }
}
