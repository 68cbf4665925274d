import { describe } from "../telemetry/error.ts";
import type { Core } from "./services/core.ts";
import { deleteAlertsBefore } from "./store/alerts.ts";
import { deleteExpiredApiTokens } from "./store/api-tokens.ts";
import { deleteAuditBefore } from "./store/audit.ts";
import { deleteConnectionsBefore } from "./store/connections.ts";
import { deleteEventsBefore } from "./store/events.ts";
import { deleteExpiredInvitations } from "./store/invitations.ts";
import { deleteIssuedBefore } from "./store/issued-certificates.ts";
import { deleteExpiredPasswordResets } from "./store/password-resets.ts";

const INTERVAL_MS = 60 * 60 * 1000;
/** How long rows of expired certificates are kept, for people who look into yesterday, and events (EXTENSIONS X4). */
const KEEP_MS = 24 * 60 * 60 * 1000;
/** Connections and alerts that are over, and the audit log: a quarter, and a year. */
const KEEP_CONNECTIONS_MS = 90 * KEEP_MS;
const KEEP_AUDIT_MS = 366 * KEEP_MS;

/** Deletes what nobody can use any more, now and every hour. */
export function startHousekeeping(core: Core): { close(): void } {
  const clean = () => {
    const now = core.now();
    core.store
      .transaction(async (sql) => {
        const yesterday = new Date(now.getTime() - KEEP_MS).toISOString();
        await deleteIssuedBefore(sql, yesterday);
        await deleteEventsBefore(sql, yesterday);
        await deleteConnectionsBefore(sql, new Date(now.getTime() - KEEP_CONNECTIONS_MS).toISOString());
        await deleteAuditBefore(sql, new Date(now.getTime() - KEEP_AUDIT_MS).toISOString());
        await deleteAlertsBefore(sql, new Date(now.getTime() - KEEP_CONNECTIONS_MS).toISOString());
        await deleteExpiredApiTokens(sql, now.toISOString());
        await deleteExpiredInvitations(sql, now.toISOString());
        await deleteExpiredPasswordResets(sql, now.toISOString());
      })
      .catch((error: unknown) =>
        core.log.warn("Could not delete expired rows; tried again within the hour", {
          reason: describe(error),
        }),
      );
  };
  clean();
  const timer = setInterval(clean, INTERVAL_MS);
  return { close: () => clearInterval(timer) };
}
