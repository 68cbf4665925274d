import { openPlatform, type PlatformAddress } from "../client/open-platform.ts";
import type { Environment } from "../host/environment.ts";
import type { PlatformClient } from "../platform-client/client.ts";
import { type IdentityLogin, IdentitySession, identityLabel } from "../platform-client/identity-session.ts";
import type { PlatformSourceOptions } from "./platform-source.ts";

/** How a gateway reaches its platform: by an access token of its own, or as a machine identity. */
export interface GatewayPlatform {
  client: PlatformClient;
  /** The calls that get certificates. */
  source: PlatformSourceOptions["platform"];
  /** What its certificates depend on, secret or not. */
  issuedFor: string;
  /** As which it follows the platform's events; absent with a token of its own. */
  as?: "gateway";
  /** What to do when the platform refuses it, where that is not to enroll again. */
  refusedFix?: string;
}

/** The platform as the gateway itself. */
export function asGateway(settings: PlatformAddress, env: Environment, accessToken: string): GatewayPlatform {
  const client = openPlatform(settings, env, () => accessToken);
  return {
    client,
    source: {
      gatewayConnect: (body, ask) => client.gatewayAgent.connect(body, ask),
      listRelays: (ask) => client.relays.list(ask),
    },
    issuedFor: accessToken,
  };
}

/** The platform as the machine identity that the gateway runs as (PROTOCOL A.1, 4). Calls nobody yet. */
export function asIdentity(
  settings: PlatformAddress,
  env: Environment,
  { login, gatewayName }: { login: IdentityLogin; gatewayName: string },
): GatewayPlatform {
  const session = new IdentitySession({ login, calls: openPlatform(settings, env).identities });
  const client = openPlatform(settings, env, () => session.token());
  return {
    client,
    source: {
      gatewayConnect: (body, ask) => client.identities.registerGateway({ ...body, name: gatewayName }, ask),
      listRelays: (ask) => client.relays.list(ask),
    },
    issuedFor: `identity ${identityLabel(login)}`,
    as: "gateway",
    refusedFix:
      "The machine identity's secret was revoked or its token has expired, or it lacks the right create-gateways: get a " +
      `secret with "sallyport identity secret create" and start ${gatewayName} with --client-id and --client-secret-file`,
  };
}
