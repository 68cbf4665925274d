import type { Revocations } from "../pki/credentials.ts";
import type { GatewaySession } from "./gateway-session.ts";
import type { RoutingTable } from "./routing-table.ts";

/** Replaced sessions of one gateway that still carry tunnels. Each holds a connection and 50 KB. */
const MOST_REPLACED = 64;

/** Every session of this relay: those that serve their gateway and those that lost their place and still end. */
export interface Sessions<S extends GatewaySession = GatewaySession> {
  table: RoutingTable<S>;
  retiring: Set<S>;
}

/** Ends the sessions of revoked gateways and certificates at once, tunnels included. */
export function cutRevokedSessions<S extends GatewaySession>(
  { table, retiring }: Sessions<S>,
  revocations: Revocations,
): void {
  for (const session of [...table.sessions(), ...retiring]) {
    const { gatewayId, serial } = session;
    if (!revocations.gatewayIds.has(gatewayId) && !revocations.serials.has(`ssh:${serial}`)) continue;
    table.release(session);
    session.cut("revoked");
  }
}

/**
 * A session has taken its place in the table, the loser's if there was one. Where a gateway renews its certificate, the
 * tunnels of its older sessions go on until they end (ACCEPTANCE F6); a session of an earlier credential gets the grace
 * only, and so do the oldest of very many.
 */
export function retireReplacedSessions<S extends GatewaySession>(
  { retiring }: Sessions<S>,
  { gatewayId, generation }: S,
  loser: S | undefined,
  graceMs: number,
): void {
  if (loser) {
    retiring.add(loser);
    void loser.retire("replaced");
  }
  const older = [...retiring].filter((session) => session.gatewayId === gatewayId);
  const surplus = new Set(older.slice(0, -MOST_REPLACED));
  for (const session of older) {
    if (session.generation < generation || surplus.has(session)) void session.retire("replaced", graceMs);
  }
}

/**
 * A session lives no longer than the certificate that opened it (EXTENSIONS X4): it takes no new tunnel and ends with
 * its last one, or after the grace; the gateway comes back by itself. An idle one is ended shortly before, so that its
 * gateway is away for a moment only. For a session that was replaced its gateway's present certificate counts as well:
 * that proves the same right, until a revocation or a newer generation ends both.
 * @param now wall-clock milliseconds
 */
export function retireExpiredSessions<S extends GatewaySession>(
  { table, retiring }: Sessions<S>,
  now: number,
  graceMs: number,
): void {
  for (const session of table.sessions()) {
    const { expiresAt } = session;
    const early = Math.min(graceMs, (expiresAt - session.since.getTime()) / 10);
    if (now < (session.channels === 0 ? expiresAt - early : expiresAt)) continue;
    table.release(session);
    retiring.add(session);
    void session.retire("certificate expired", graceMs);
  }
  for (const session of retiring) {
    const successor = table.find(session.gatewayId);
    const vouched = successor?.generation === session.generation ? successor.expiresAt : 0;
    if (now >= Math.max(session.expiresAt, vouched)) {
      void session.retire("certificate expired", graceMs);
    }
  }
}
