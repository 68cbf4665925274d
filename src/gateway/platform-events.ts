import type { EventHandler } from "../platform-client/event-stream.ts";
import { type PlatformEvent, type PlatformSnapshot, renewalSpreadMs } from "../platform-client/events.ts";
import type { Conditions } from "../telemetry/conditions.ts";
import type { Logger } from "../telemetry/log.ts";

interface NewsOptions {
  gatewayId: () => string;
  gatewayName: string;
  /** Ends the sessions of these client certificates and refuses them from now on. */
  endAccess: (serials: ReadonlySet<string>) => void;
  /** Newer certificates and authorities are to be fetched, within so many milliseconds. */
  renew: (withinMs: number) => void;
  /** Nothing that these authorities have signed counts any more. */
  distrust: (fingerprints: string[]) => void;
  /** That relay is about to stop: a tunnel elsewhere had better be up by then. */
  leaveRelay: (relayName: string) => void;
  /** What to do about a gateway that was shut out, where that is not to enroll again. */
  refusedFix?: string | undefined;
  conditions: Conditions;
  log: Logger;
}

/**
 * What a gateway does with its platform's events (EXTENSIONS X4). Revocations are the relays' to enforce, a stolen
 * gateway would not; an honest one says what has happened and what to do.
 */
export class PlatformNews implements EventHandler {
  #said: string | undefined;

  constructor(private readonly options: NewsOptions) {}

  event(event: PlatformEvent): void {
    const { gatewayName, endAccess, renew, distrust, leaveRelay } = this.options;
    switch (event.type) {
      case "gateway.revoked":
        return this.#lost(event.gatewayId, "The access of this gateway was revoked");
      case "gateway.deleted":
        return this.#lost(event.gatewayId, `The gateway ${gatewayName} was deleted on the platform`);
      case "gateway.rotated":
        return this.#lost(
          event.gatewayId,
          `The gateway ${gatewayName} was enrolled again, on this host or another`,
        );
      case "access.ended":
        return endAccess(new Set(event.serials));
      case "authorities.changed":
        if (event.distrusted) distrust(event.distrusted);
        return renew(renewalSpreadMs(event));
      case "relay.drain":
        if (event.relayName !== undefined) leaveRelay(event.relayName);
        return;
      default:
        return;
    }
  }

  /** Of itself it need not be told: the stream would not have opened. */
  snapshot({ serials }: PlatformSnapshot): void {
    if (serials.length > 0) this.options.endAccess(new Set(serials));
  }

  #lost(gatewayId: string, what: string): void {
    const { gatewayName, conditions, log, refusedFix } = this.options;
    if (gatewayId !== this.options.gatewayId() || this.#said === what) return;
    this.#said = what;
    const again = `If it is still wanted here, get a new token with "sallyport gateway deploy-command ${gatewayName}" and start it with that`;
    const fix = `${refusedFix ?? again}.`;
    conditions.raise("platform", "ACCESS_REVOKED", { text: `${what}.`, fix });
    log.error(what, { gatewayId, fix });
  }
}
