import type { Sql } from "../../store/database.ts";
import { type AccessFilter, endIssued } from "../../store/issued-certificates.ts";
import { accessEnded, emitAll } from "../events/events.ts";

/**
 * Ends what people got by these certificates: connections are cut and the certificates refused, on relays and gateways
 * both (EXTENSIONS X4). Goes last in a transaction, after whatever allowed the access was taken away.
 * @returns how many certificates that were
 */
export async function endAccess(sql: Sql, filter: AccessFilter, now: string): Promise<number> {
  const ended = await endIssued(sql, filter, now);
  const serials = Map.groupBy(ended, (row) => row.gateway_id);
  const said = [...serials].flatMap(([gatewayId, rows]) =>
    accessEnded(rows.map((row) => row.serial)).map((event) => ({
      about: { orgId: filter.orgId, gatewayId },
      event,
    })),
  );
  await emitAll(sql, said, now);
  return ended.length;
}
