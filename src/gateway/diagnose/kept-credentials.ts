import type { GatewayCredentials } from "../../pki/credentials.ts";
import type { GatewayConnect, GatewayConnectRequest } from "../../platform-client/calls/gateway-agent.ts";
import { generateOwnKeys } from "../../platform-client/own-keys.ts";
import type { CredentialsCache } from "../credentials-cache.ts";
import { issuedCredentials } from "../issued.ts";
import { TUNNELS } from "../settings.ts";

export interface KeptLook {
  cache: Pick<CredentialsCache, "read">;
  platform: {
    gatewayConnect(body: GatewayConnectRequest, ask?: { signal?: AbortSignal }): Promise<GatewayConnect>;
  };
  gatewayName: string;
  /** Names of relays in order of preference; none: the platform chooses. */
  relays: string[];
}

/**
 * What the gateway runs with: the certificates it keeps, valid or not. A gateway that keeps none has never had any, so
 * nothing is disturbed by asking for what its first start asks for; that is not kept.
 * @throws SallyportError what the platform says
 */
export async function keptCredentials(look: KeptLook, signal: AbortSignal): Promise<GatewayCredentials> {
  const { cache, platform, gatewayName, relays } = look;
  const kept = await cache.read();
  if (kept) return kept.credentials;
  const keys = await generateOwnKeys();
  const [relayName] = relays;
  const answer = await platform.gatewayConnect(
    {
      ...(relayName === undefined ? { maxRelays: TUNNELS } : { relayName }),
      ...(relays.length > 1 ? { relayNames: relays, maxRelays: relays.length } : {}),
      ...keys.parts,
    },
    { signal },
  );
  return issuedCredentials(answer, keys, gatewayName, relayName).credentials;
}
