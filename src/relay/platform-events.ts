import { EndedSerials } from "../pki/ended-serials.ts";
import type { EventHandler } from "../platform-client/event-stream.ts";
import { type PlatformEvent, type PlatformSnapshot, renewalSpreadMs } from "../platform-client/events.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Sessions } from "./enforcement.ts";
import type { GatewaySession } from "./gateway-session.ts";

/** What the platform told this relay to do with itself. */
export type Order = "revoked" | "drain";

interface EnforcementOptions<S extends GatewaySession> {
  sessions: Sessions<S>;
  /** Ends the connections of these client certificates. */
  cutClients: (serials: ReadonlySet<string>) => void;
  /** Sessions of rotated credentials have this long to end. */
  drainMs: number;
  /** New credentials are to be fetched, within so many milliseconds. */
  renew: (withinMs: number) => void;
  /** Nothing that these authorities have signed counts any more. */
  distrust: (fingerprints: string[]) => void;
  onOrder: (order: Order) => void;
  log: Logger;
}

/**
 * Does what the platform's events say, at the one place that a stolen gateway can't get around (EXTENSIONS X4). Without
 * events nothing changes.
 */
export class PlatformEnforcement<S extends GatewaySession> implements EventHandler {
  /** Client certificates that are refused although they are valid. */
  readonly endedSerials = new EndedSerials();

  constructor(private readonly options: EnforcementOptions<S>) {}

  event(event: PlatformEvent): void {
    switch (event.type) {
      case "gateway.revoked":
        return this.#forbid(event.gatewayId, event.generation);
      case "gateway.deleted":
        return this.#forbid(event.gatewayId, Number.POSITIVE_INFINITY);
      case "gateway.rotated":
        return this.#rotate(event.gatewayId, event.generation);
      case "access.ended":
        return this.#endAccess(event.serials);
      case "relay.revoked":
        return this.options.onOrder("revoked");
      case "relay.drain":
        return this.options.onOrder("drain");
      case "authorities.changed":
        if (event.distrusted) this.options.distrust(event.distrusted);
        return this.options.renew(renewalSpreadMs(event));
      default:
        return;
    }
  }

  /** What the platform said when it was told of a session. @param generation null = there is no such gateway */
  refuse(gatewayId: string, generation: number | null): void {
    this.#forbid(gatewayId, generation ?? Number.POSITIVE_INFINITY);
  }

  /** A session that began after the snapshot was asked for may be of a gateway that is newer than it. */
  snapshot({ gateways, serials }: PlatformSnapshot, asked: number): void {
    const { table, retiring } = this.options.sessions;
    const known = new Set<string>();
    const sessions = [...table.sessions(), ...retiring];
    for (const { gatewayId, generation } of gateways) {
      known.add(gatewayId);
      table.refuseBelow(gatewayId, generation, false);
    }
    for (const session of sessions) {
      if (session.generation < table.leastGeneration(session.gatewayId)) this.#cut(session);
      else if (!known.has(session.gatewayId) && session.since.getTime() < asked) {
        this.#forbid(session.gatewayId, Number.POSITIVE_INFINITY);
      }
    }
    this.#endAccess(serials);
  }

  /** Sessions below that generation are cut now and refused from now on. */
  #forbid(gatewayId: string, generation: number): void {
    this.options.sessions.table.refuseBelow(gatewayId, generation, true);
    for (const session of this.#older(gatewayId, generation)) this.#cut(session);
  }

  #cut(session: S): void {
    const { sessions, log } = this.options;
    const { gatewayId, generation } = session;
    log.info("A gateway's session is revoked", { gatewayId, generation });
    sessions.table.release(session);
    session.cut("revoked");
  }

  #rotate(gatewayId: string, generation: number): void {
    const { sessions, drainMs } = this.options;
    sessions.table.refuseBelow(gatewayId, generation, false);
    for (const session of this.#older(gatewayId, generation)) {
      sessions.table.release(session);
      sessions.retiring.add(session);
      void session.retire("replaced", drainMs);
    }
  }

  #older(gatewayId: string, generation: number) {
    const { table, retiring } = this.options.sessions;
    return [...table.sessions(), ...retiring].filter(
      (session) => session.gatewayId === gatewayId && session.generation < generation,
    );
  }

  #endAccess(serials: string[]): void {
    this.endedSerials.add(serials);
    if (serials.length > 0) this.options.cutClients(new Set(serials));
  }
}
