import type { PlatformEvent } from "../../../platform-client/events.ts";
import { wasRevoked } from "../../store/events.ts";
import { findGateway } from "../../store/gateways.ts";
import { findRelay } from "../../store/relays.ts";
import type { Superseded } from "../actors.ts";
import type { Core } from "../core.ts";

/**
 * Who holds an access token that was good once. It opens nothing; but the holder may hear why, so that what was revoked
 * while it could not listen stops all the same. Undefined for a token that this platform has not made.
 */
export async function supersededHolder(
  core: Core,
  token: string,
  address: string,
): Promise<Superseded | undefined> {
  const claims = await core.accessTokens.verify(token);
  if (!claims || claims.authTokenType === "identityAccessToken") return undefined;
  const of =
    claims.authTokenType === "gatewayAccessToken"
      ? { gatewayId: claims.gatewayId }
      : { relayId: claims.relayId };
  return { kind: "superseded", orgId: claims.orgId, address, ...of };
}

/** What such a holder is told: revoked, deleted, or enrolled again. */
export async function lastWord(core: Core, { gatewayId, relayId }: Superseded): Promise<PlatformEvent> {
  const { read } = core.store;
  if (gatewayId !== undefined) {
    const row = await findGateway(read, gatewayId);
    if (!row) return { type: "gateway.deleted", gatewayId };
    const revoked = await wasRevoked(read, { gatewayId, relayId: null });
    const type = revoked ? "gateway.revoked" : "gateway.rotated";
    return { type, gatewayId, generation: row.token_version };
  }
  const id = relayId ?? "";
  const row = await findRelay(read, id);
  if (row && !(await wasRevoked(read, { gatewayId: null, relayId: id }))) {
    return { type: "relay.drain", relayId: id };
  }
  return { type: "relay.revoked", relayId: id };
}
