import type { Code } from "../telemetry/codes.ts";
import type { ConditionCode } from "../telemetry/condition-codes.ts";
import type { Conditions } from "../telemetry/conditions.ts";
import type { TunnelStatus } from "./relay-link.ts";
import type { Loss } from "./relay-loss.ts";

const placeOf = (relay: string) => `relay ${relay}`;

/** What the tunnels of a gateway say about its health. Call what happened, then `check` with how all of them are. */
export class TunnelConditions {
  constructor(private readonly conditions: Conditions) {}

  up(relay: string): void {
    this.conditions.clear(placeOf(relay));
  }

  down(relay: string, { code, message, fix }: Pick<Loss, "code" | "message" | "fix">): void {
    const condition = CONDITION_OF[code] ?? "RELAY_UNREACHABLE";
    const text = `Relay ${relay}: ${message}`;
    this.conditions.raise(placeOf(relay), condition, {
      text,
      fix: fix ?? FIXES[condition] ?? "",
      about: relay,
    });
  }

  check(tunnels: TunnelStatus[]): void {
    const { conditions } = this;
    conditions.clearOthers("relay ", new Set(tunnels.map(({ relay }) => placeOf(relay))));
    if (tunnels.length === 1) {
      conditions.raise("relays", "ONE_RELAY", {
        text: `This gateway uses the relay ${tunnels[0]?.relay} and no other one.`,
        fix: "With a second relay it stays reachable when one is restarted or lost.",
      });
    } else conditions.clear("relays");
    // One that is being dialled for the first time has not failed yet.
    const failed = tunnels.every(({ state, reason }) => state !== "up" && reason !== undefined);
    if (!failed) return conditions.clear("tunnels");
    conditions.raise("tunnels", "NO_TUNNEL", {
      text: "No tunnel is up: nobody reaches anything through this gateway.",
      fix: "Look at what is said about each relay.",
    });
  }
}

const CONDITION_OF: Partial<Record<Code, ConditionCode>> = {
  GATEWAY_DUPLICATE: "GATEWAY_DUPLICATE",
  GATEWAY_REVOKED: "ACCESS_REVOKED",
  SSH_AUTHENTICATION_FAILED: "RELAY_REFUSED",
  HOST_CERTIFICATE_REFUSED: "RELAY_REFUSED",
  CERTIFICATE_REFUSED: "RELAY_REFUSED",
};

const FIXES: Partial<Record<ConditionCode, string>> = {
  GATEWAY_DUPLICATE: "Stop the other process that uses this gateway's credentials.",
  RELAY_UNREACHABLE: "See whether the relay runs, and whether this machine may dial its SSH port.",
  RELAY_REFUSED: "Check the clocks of both machines, and that relay and gateway belong to the same platform.",
  ACCESS_REVOKED: "If it is still wanted, enroll it again with a new token (deploy-command).",
};
