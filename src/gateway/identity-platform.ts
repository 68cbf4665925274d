import { environmentFetch } from "../client/environment-fetch.ts";
import type { Environment } from "../host/environment.ts";
import { PlatformClient } from "../platform-client/client.ts";
import { type IdentityLogin, IdentitySession, identityLabel } from "../platform-client/identity-session.ts";
import type { PlatformSourceOptions } from "./platform-source.ts";
import type { GatewaySettings } from "./settings.ts";

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

export type PlatformSettings = Pick<GatewaySettings, "caFile" | "insecureHttp"> & { domain: string };

/** @param token asked for each call */
export function openPlatform(
  { domain, caFile, insecureHttp }: PlatformSettings,
  env: Environment,
  token?: () => string | Promise<string>,
): PlatformClient {
  return new PlatformClient({
    domain,
    insecureHttp,
    fetch: environmentFetch(env, caFile),
    ...(token && { token }),
    ...(caFile === undefined ? {} : { caFile }),
  });
}

/** The platform as the gateway itself. */
export function asGateway(
  settings: PlatformSettings,
  env: Environment,
  accessToken: string,
): GatewayPlatform {
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
  settings: PlatformSettings,
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
