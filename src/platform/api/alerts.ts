import { z } from "@hono/zod-openapi";
import {
  createDestination,
  getDestination,
  listOwnDestinations,
  type NewDestination,
  readRules,
  removeDestination,
} from "../services/alerts/destinations.ts";
import { ALERT_RULES } from "../services/alerts/rules.ts";
import { listDeliveries } from "../store/alert-deliveries.ts";
import type { DestinationRow } from "../store/alert-destinations.ts";
import { type AlertRow, listAlerts } from "../store/alerts.ts";
import type { Sql } from "../store/database.ts";
import { answers, gatewayName, jsonBody, message, time } from "./fields.ts";
import { cursorOf, listingQuery, placeOf } from "./listing.ts";
import { declareRoute, HOLDERS, requireHolder, routes } from "./route.ts";

const DAY_SECONDS = 86_400;
const rules = z.array(z.enum(ALERT_RULES)).min(1).max(ALERT_RULES.length);
const destinationName = gatewayName;
const idOrName = z.object({ idOrName: destinationName });

const destinationObject = z
  .object({
    id: z.string(),
    name: z.string(),
    kind: z.enum(["webhook", "log"]),
    url: z.string().nullable(),
    rules: z.array(z.string()),
    /** Trouble of gateways and relays is told when it has lasted so long. */
    afterSeconds: z.int(),
    createdAt: time,
  })
  .openapi("AlertDestination");

const createdDestination = destinationObject
  .extend({ secret: z.string().optional().openapi({ description: "Signs the webhook; not shown again" }) })
  .openapi("CreatedAlertDestination");

const delivery = z.object({
  destination: z.string(),
  event: z.enum(["raised", "recovered"]),
  attempts: z.int(),
  deliveredAt: time,
  /** When it was given up. */
  failedAt: time,
  nextAttemptAt: time,
  lastError: z.string().nullable(),
});

const alertObject = z
  .object({
    id: z.string(),
    rule: z.string(),
    subject: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
    title: z.string(),
    text: z.string(),
    fix: z.string(),
    since: time,
    raisedAt: time,
    /** null = it is not over. */
    until: time,
    deliveries: z.array(delivery),
  })
  .openapi("Alert");

const list = declareRoute(
  { to: HOLDERS, right: "list-alerts" },
  {
    method: "get",
    path: "/api/v1/alerts",
    summary: "List alerts",
    request: { query: listingQuery.extend({ open: z.enum(["true", "false"]).default("false") }) },
    responses: answers(
      z.object({ alerts: z.array(alertObject), next: z.string().nullable() }),
      "What people were alerted of, newest first",
    ),
  },
);

const destinations = declareRoute(
  { to: HOLDERS, right: "list-alerts" },
  {
    method: "get",
    path: "/api/v1/alerts/destinations",
    summary: "List where alerts go",
    responses: answers(z.array(destinationObject), "Where alerts go"),
  },
);

const common = {
  name: destinationName,
  rules: rules.default([...ALERT_RULES]),
  afterSeconds: z.int().min(0).max(DAY_SECONDS).default(60),
};

const create = declareRoute(
  { to: HOLDERS, right: "create-alerts" },
  {
    method: "post",
    path: "/api/v1/alerts/destinations",
    summary: "Add a destination of alerts",
    request: {
      body: jsonBody(
        z.discriminatedUnion("kind", [
          z.object({ ...common, kind: z.literal("log") }),
          z.object({
            ...common,
            kind: z.literal("webhook"),
            url: z.string().min(1).max(2048),
            caCertificate: z.string().min(1).max(32_768).optional(),
          }),
        ]),
      ),
    },
    responses: answers(createdDestination, "The new destination, with its secret"),
  },
);

const remove = declareRoute(
  { to: HOLDERS, right: "delete-alerts" },
  {
    method: "delete",
    path: "/api/v1/alerts/destinations/{idOrName}",
    summary: "Remove a destination of alerts",
    request: { params: idOrName },
    responses: answers(destinationObject, "The destination that was"),
  },
);

const test = declareRoute(
  { to: HOLDERS, right: "edit-alerts" },
  {
    method: "post",
    path: "/api/v1/alerts/destinations/{idOrName}/test",
    summary: "Send a test alert",
    request: { params: idOrName },
    responses: answers(message, "A test has arrived there"),
  },
);

/** What people are alerted of, and where that goes. */
export const alertRoutes = routes()
  .openapi(list, async (c) => {
    const { read } = c.var.services.core.store;
    const { since = null, until = null, limit, cursor, open } = c.req.valid("query");
    const { orgId } = requireHolder(c.var.actor);
    const filter = { orgId, since, until, limit, open: open === "true", after: placeOf(cursor) };
    const rows = await listAlerts(read, filter);
    const last = rows.length === limit ? rows.at(-1) : undefined;
    const alerts: z.infer<typeof alertObject>[] = [];
    for (const row of rows) alerts.push(await toAlert(read, row));
    return c.json({ alerts, next: last ? cursorOf({ time: last.began_at, id: last.id }) : null }, 200);
  })
  .openapi(destinations, async (c) => {
    const rows = await listOwnDestinations(c.var.services.core, requireHolder(c.var.actor));
    return c.json(rows.map(toDestination), 200);
  })
  .openapi(create, async (c) => {
    const holder = requireHolder(c.var.actor);
    const { row, secret } = await createDestination(c.var.services.core, holder, toNew(c.req.valid("json")));
    return c.json({ ...toDestination(row), ...(secret !== undefined && { secret }) }, 200);
  })
  .openapi(remove, async (c) => {
    const { idOrName: which } = c.req.valid("param");
    const row = await removeDestination(c.var.services.core, requireHolder(c.var.actor), which);
    return c.json(toDestination(row), 200);
  })
  .openapi(test, async (c) => {
    const { core, alerts } = c.var.services;
    const { idOrName: which } = c.req.valid("param");
    await alerts.test(await getDestination(core, requireHolder(c.var.actor), which));
    return c.json({ message: "The test has arrived" }, 200);
  });

type Wanted = { name: string; rules: NewDestination["rules"]; afterSeconds: number } & NewDestination["to"];

function toNew({ name, rules: wanted, afterSeconds, ...to }: Wanted): NewDestination {
  return { name, rules: [...new Set(wanted)], afterSeconds, to };
}

function toDestination(row: DestinationRow): z.infer<typeof destinationObject> {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    url: row.url,
    rules: readRules(row),
    afterSeconds: row.after_seconds,
    createdAt: row.created_at,
  };
}

async function toAlert(sql: Sql, row: AlertRow): Promise<z.infer<typeof alertObject>> {
  const deliveries = await listDeliveries(sql, row.id);
  return {
    id: row.id,
    rule: row.rule,
    subject: { kind: row.subject_kind, id: row.subject_id, name: row.subject_name },
    title: row.title,
    text: row.text,
    fix: row.fix,
    since: row.began_at,
    raisedAt: row.raised_at,
    until: row.closed_at,
    deliveries: deliveries.map((one) => ({
      destination: one.name,
      event: one.event,
      attempts: one.attempts,
      deliveredAt: one.delivered_at,
      failedAt: one.failed_at,
      nextAttemptAt: one.next_at,
      lastError: one.last_error,
    })),
  };
}
