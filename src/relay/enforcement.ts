import type { Revocations } from "../pki/credentials.ts";
import type { RoutingTable } from "./routing-table.ts";
import type { RelaySession } from "./session.ts";

/** Every session of this relay: those that serve their gateway and those that lost their place and still end. */
export interface Sessions {
  table: RoutingTable<RelaySession>;
  retiring: Set<RelaySession>;
}

/** Ends the sessions of revoked gateways and certificates at once, tunnels included. */
export function cutRevokedSessions({ table, retiring }: Sessions, revocations: Revocations): void {
  for (const session of [...table.sessions(), ...retiring]) {
    const { gatewayId, serial } = session;
    if (!revocations.gatewayIds.has(gatewayId) && !revocations.serials.has(`ssh:${serial}`)) continue;
    table.release(session);
    session.cut("revoked");
  }
}

/**
 * A session lives no longer than the certificate that opened it (EXTENSIONS X4): it takes no new tunnel and ends with
 * its last one, or after the grace; the gateway comes back by itself. An idle one is ended shortly before, so that its
 * gateway is away for a moment only.
 * @param now wall-clock milliseconds
 */
export function retireExpiredSessions({ table, retiring }: Sessions, now: number, graceMs: number): void {
  for (const session of table.sessions()) {
    const { expiresAt } = session.identity;
    const early = Math.min(graceMs, (expiresAt - session.since.getTime()) / 10);
    if (now < (session.channels === 0 ? expiresAt - early : expiresAt)) continue;
    table.release(session);
    retiring.add(session);
    void session.retire("certificate expired", graceMs);
  }
}
