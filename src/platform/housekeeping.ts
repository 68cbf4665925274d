import { describe } from "../telemetry/error.ts";
import type { Core } from "./services/core.ts";
import { deleteIssuedBefore } from "./store/issued-certificates.ts";
import { deleteExpiredApiTokens } from "./store/people.ts";

const INTERVAL_MS = 60 * 60 * 1000;
/** How long rows of expired certificates are kept, for people who look into yesterday. */
const KEEP_EXPIRED_MS = 24 * 60 * 60 * 1000;

/** Deletes what nobody can use any more, now and every hour. */
export function startHousekeeping(core: Core): { close(): void } {
  const clean = () => {
    const now = core.now();
    core.store
      .transaction(async (sql) => {
        await deleteIssuedBefore(sql, new Date(now.getTime() - KEEP_EXPIRED_MS).toISOString());
        await deleteExpiredApiTokens(sql, now.toISOString());
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
