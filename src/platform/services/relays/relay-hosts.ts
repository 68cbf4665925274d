import { SallyportError } from "../../../telemetry/error.ts";
import type { Sql } from "../../store/database.ts";
import { findRelayAtHost } from "../../store/relays.ts";

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/;

/**
 * Certificates of relays are for a host, whatever the port: who registers a relay by themselves must not get one for the
 * host of another (ACCEPTANCE B11). People who may create relays may put two on one host; a machine's own loopback is
 * nobody's.
 * @param orgId null = of the instance
 * @throws SallyportError CONFLICT
 */
export async function requireFreeHost(sql: Sql, orgId: string | null, host: string): Promise<void> {
  if (LOOPBACK.test(host)) return;
  const other = await findRelayAtHost(sql, orgId, host);
  if (!other) return;
  throw new SallyportError(
    "CONFLICT",
    `The relay ${other.name} is at ${host} already: choose another host, or have an administrator create this relay there.`,
  );
}
