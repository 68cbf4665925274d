import type { PlatformEvent } from "../../../platform-client/events.ts";
import { SallyportError } from "../../../telemetry/error.ts";
import type { Sql } from "../../store/database.ts";
import { detachGateway, detachRelay, revokeGatewayOf, revokeRelayOf } from "../../store/identity-agents.ts";
import { type About, emitAll } from "../events/events.ts";

/**
 * Cuts the gateway and the relay that run as a machine identity: both where the identity is gone, which leaves them to be
 * enrolled by a token, or those that logged in last with one secret, which may come back with another one.
 */
export async function cutAgents(
  sql: Sql,
  of: { orgId: string; identityId: string; secretId?: string },
  now: string,
): Promise<void> {
  const { orgId, identityId, secretId } = of;
  const lost: { about: About; event: PlatformEvent }[] = [];
  const gateway =
    secretId === undefined
      ? await detachGateway(sql, identityId, now)
      : await revokeGatewayOf(sql, identityId, secretId, now);
  if (gateway) {
    const { id: gatewayId, token_version: generation } = gateway;
    const event = { type: "gateway.revoked", gatewayId, generation } as const;
    lost.push({ about: { orgId, gatewayId }, event });
  }
  const relay =
    secretId === undefined
      ? await detachRelay(sql, identityId, now)
      : await revokeRelayOf(sql, identityId, secretId, now);
  if (relay) {
    const { id: relayId } = relay;
    lost.push({ about: { orgId, relayId }, event: { type: "relay.revoked", relayId } });
  }
  if (lost.length > 0) await emitAll(sql, lost, now);
}

/** What its tokens would be is the machine identity's matter (PROTOCOL A.3). */
export function runsAsIdentity(kind: "gateway" | "relay", name: string): SallyportError {
  return new SallyportError(
    "REQUEST_REFUSED",
    `The ${kind} ${name} runs as a machine identity: revoke the identity's secrets, or delete the identity.`,
  );
}
