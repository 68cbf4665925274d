import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Holder } from "../services/actors.ts";
import { AUDIT_EVENTS, type AuditFilter, type AuditRow, listAudit } from "../store/audit.ts";
import { type ConnectionFilter, type ConnectionRow, listConnections } from "../store/connections.ts";
import type { Sql } from "../store/database.ts";
import type { ApiEnv } from "./env.ts";
import { answers } from "./fields.ts";
import {
  cursorOf,
  exportAnswers,
  exportQuery,
  JSON_LINES,
  jsonLines,
  listingQuery,
  MOST_ROWS,
  type Place,
  placeOf,
} from "./listing.ts";
import { declareRoute, HOLDERS, requireHolder, routes } from "./route.ts";

const actorObject = z.object({
  type: z.string(),
  id: z.string().nullable(),
  name: z.string().nullable(),
});

const auditEntry = z
  .object({
    id: z.string(),
    time: z.string(),
    event: z.string(),
    actor: actorObject,
    address: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()),
  })
  .openapi("AuditEntry");

const connectionEntry = z
  .object({
    id: z.string(),
    gatewayId: z.string(),
    gatewayName: z.string(),
    resourceId: z.string().nullable(),
    resourceName: z.string().nullable(),
    grantId: z.string().nullable(),
    serial: z.string(),
    mode: z.string(),
    actor: actorObject,
    target: z.string(),
    openedAt: z.string(),
    closedAt: z.string().nullable(),
    bytesUp: z.number().nullable(),
    bytesDown: z.number().nullable(),
    durationMs: z.number().nullable(),
    cause: z.string().nullable(),
  })
  .openapi("Connection");

const text = z.string().min(1).max(254).optional();

const event = z.enum(AUDIT_EVENTS, { error: "is no event of the audit log" });

const auditFilter = { event: event.optional(), actor: text };

const connectionFilter = {
  gatewayId: z.uuid().optional(),
  resourceId: z.uuid().optional(),
  actor: text,
  open: z.enum(["true", "false"]).default("false"),
};

const audit = declareRoute(
  { to: HOLDERS, right: "list-audit-log" },
  {
    method: "get",
    path: "/api/v1/audit",
    summary: "List the audit log",
    request: { query: listingQuery.extend(auditFilter) },
    responses: answers(
      z.object({ entries: z.array(auditEntry), next: z.string().nullable() }),
      "Who changed what in the organisation, newest first",
    ),
  },
);

const auditExport = declareRoute(
  { to: HOLDERS, right: "list-audit-log" },
  {
    method: "get",
    path: "/api/v1/audit/export",
    summary: "Export the audit log as JSON Lines",
    request: { query: exportQuery.extend(auditFilter) },
    responses: exportAnswers("The same without pages, a line for each entry"),
  },
);

const connections = declareRoute(
  { to: HOLDERS, right: "list-connections" },
  {
    method: "get",
    path: "/api/v1/audit/connections",
    summary: "List connections",
    request: { query: listingQuery.extend(connectionFilter) },
    responses: answers(
      z.object({ connections: z.array(connectionEntry), next: z.string().nullable() }),
      "Who reached what, newest first",
    ),
  },
);

const connectionsExport = declareRoute(
  { to: HOLDERS, right: "list-connections" },
  {
    method: "get",
    path: "/api/v1/audit/connections/export",
    summary: "Export connections as JSON Lines",
    request: { query: exportQuery.extend(connectionFilter) },
    responses: exportAnswers("The same without pages, a line for each connection"),
  },
);

/** What has happened in an organisation. */
export const auditRoutes = routes()
  .openapi(audit, async (c) => {
    const { limit, cursor, ...asked } = c.req.valid("query");
    const filter = auditFilterOf(requireHolder(c.var.actor), asked);
    const { rows, last } = await auditPage(readOf(c), { ...filter, after: placeOf(cursor), limit });
    return c.json({ entries: rows, next: last && cursorOf(last) }, 200);
  })
  .openapi(auditExport, (c) => {
    const filter = auditFilterOf(requireHolder(c.var.actor), c.req.valid("query"));
    const lines = jsonLines((after) => auditPage(readOf(c), { ...filter, after, limit: MOST_ROWS }));
    return c.body(lines, 200, JSON_LINES);
  })
  .openapi(connections, async (c) => {
    const { limit, cursor, ...asked } = c.req.valid("query");
    const filter = connectionFilterOf(requireHolder(c.var.actor), asked);
    const { rows, last } = await connectionPage(readOf(c), { ...filter, after: placeOf(cursor), limit });
    return c.json({ connections: rows, next: last && cursorOf(last) }, 200);
  })
  .openapi(connectionsExport, (c) => {
    const filter = connectionFilterOf(requireHolder(c.var.actor), c.req.valid("query"));
    const lines = jsonLines((after) => connectionPage(readOf(c), { ...filter, after, limit: MOST_ROWS }));
    return c.body(lines, 200, JSON_LINES);
  });

function readOf(c: Context<ApiEnv>): Sql {
  return c.var.services.core.store.read;
}

interface Asked {
  since?: string | undefined;
  until?: string | undefined;
  actor?: string | undefined;
}

function auditFilterOf(holder: Holder, asked: Asked & { event?: string | undefined }) {
  const { since = null, until = null, event = null, actor = null } = asked;
  return { orgId: holder.orgId, since, until, event, actor };
}

function connectionFilterOf(
  holder: Holder,
  asked: Asked & { gatewayId?: string | undefined; resourceId?: string | undefined; open: "true" | "false" },
) {
  const { since = null, until = null, actor = null, gatewayId = null, resourceId = null } = asked;
  return { orgId: holder.orgId, since, until, actor, gatewayId, resourceId, open: asked.open === "true" };
}

async function auditPage(sql: Sql, filter: AuditFilter) {
  const rows = await listAudit(sql, filter);
  return { rows: rows.map(toEntry), last: lastPlace(rows, filter.limit, (row) => row.created_at) };
}

async function connectionPage(sql: Sql, filter: ConnectionFilter) {
  const rows = await listConnections(sql, filter);
  return { rows: rows.map(toConnection), last: lastPlace(rows, filter.limit, (row) => row.opened_at) };
}

/** Where the next page begins; null after a page that is not full. */
function lastPlace<Row extends { id: string }>(
  rows: Row[],
  limit: number,
  time: (row: Row) => string,
): Place | null {
  const row = rows.length < limit ? undefined : rows.at(-1);
  return row ? { time: time(row), id: row.id } : null;
}

function toEntry(row: AuditRow): z.infer<typeof auditEntry> {
  return {
    id: row.id,
    time: row.created_at,
    event: row.event,
    actor: { type: row.actor_type, id: row.actor_id, name: row.actor_name },
    address: row.address,
    detail: z.record(z.string(), z.unknown()).parse(JSON.parse(row.detail)),
  };
}

function toConnection(row: ConnectionRow): z.infer<typeof connectionEntry> {
  return {
    id: row.id,
    gatewayId: row.gateway_id,
    gatewayName: row.gateway_name,
    resourceId: row.resource_id,
    resourceName: row.resource_name,
    grantId: row.grant_id,
    serial: row.serial,
    mode: row.mode,
    actor: { type: row.actor_type, id: row.actor_id, name: row.actor_name },
    target: row.target,
    openedAt: row.opened_at,
    closedAt: row.closed_at,
    bytesUp: row.bytes_up,
    bytesDown: row.bytes_down,
    durationMs: row.duration_ms,
    cause: row.cause,
  };
}
