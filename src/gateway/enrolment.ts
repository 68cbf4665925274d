import { isSameConf, requireConfWritable, writeConf } from "../host/conf-file.ts";
import type { GatewayLogin } from "../platform-client/calls/gateway-agent.ts";
import type { PlatformClient } from "../platform-client/client.ts";
import { describe, firstSentence, SallyportError } from "../telemetry/error.ts";
import type { GatewaySettings } from "./settings.ts";

export interface Enrolment {
  gatewayName: string;
  /** What `enroll` writes. */
  confPath: string;
  /** What the conf holds now; empty where there is none. */
  conf: ReadonlyMap<string, string>;
  /** One-time enrollment token. */
  token: string;
  /** Kept in the conf, so that `start` alone is enough. `domain` is normalised. */
  settings: GatewaySettings & { domain: string };
  platform: PlatformClient;
}

export interface Enrolled {
  /** `unchanged`: this token was redeemed here before; `rotated`: there were older credentials. */
  outcome: "enrolled" | "unchanged" | "rotated";
  gatewayId: string;
  accessToken: string;
  conf: Map<string, string>;
  /** The id under which this name was enrolled before, when that was another gateway. */
  previousGatewayId?: string;
}

/**
 * Redeems an enrollment token and keeps what it gives in the conf, in Infisical's keys. A token works once, so whether
 * the conf can be written is tried first. The same token again changes nothing; another one rotates the credentials.
 * @throws SallyportError FILE_UNWRITABLE, ENROLLMENT_TOKEN_INVALID, PLATFORM_UNREACHABLE and what the platform says
 */
export async function enrolGateway(enrolment: Enrolment): Promise<Enrolled> {
  const { confPath, conf, token } = enrolment;
  await requireConfWritable(confPath);
  const before = redeemed(conf);
  if (before?.token === token) {
    const { gatewayId, accessToken } = before;
    const kept = confOf(enrolment, gatewayId, accessToken);
    if (!isSameConf(kept, conf)) await writeConf(confPath, kept);
    return { outcome: "unchanged", gatewayId, accessToken, conf: kept };
  }
  const { accessToken, gatewayId } = await redeem(enrolment);
  const written = confOf(enrolment, gatewayId, accessToken);
  await keep(enrolment, written);
  const previous = conf.get("INFISICAL_GATEWAY_ID");
  return {
    outcome: conf.has("INFISICAL_GATEWAY_ACCESS_TOKEN") ? "rotated" : "enrolled",
    gatewayId,
    accessToken,
    conf: written,
    ...(previous === undefined || previous === gatewayId ? {} : { previousGatewayId: previous }),
  };
}

/** Whether this token was redeemed here before: then what is stored is what it gave. */
export function isSpentHere(token: string, conf: ReadonlyMap<string, string>): boolean {
  return redeemed(conf)?.token === token;
}

/** What to do when there are no credentials and no token can be had from anywhere on this machine. */
export function deployHint(gatewayName: string): string {
  return `get a new token with "sallyport gateway deploy-command ${gatewayName}"`;
}

interface Redeemed {
  token: string;
  gatewayId: string;
  accessToken: string;
}

function redeemed(conf: ReadonlyMap<string, string>): Redeemed | undefined {
  const token = conf.get("INFISICAL_GATEWAY_ENROLLMENT_TOKEN");
  const accessToken = conf.get("INFISICAL_GATEWAY_ACCESS_TOKEN");
  const gatewayId = conf.get("INFISICAL_GATEWAY_ID") ?? "";
  return token && accessToken ? { token, accessToken, gatewayId } : undefined;
}

async function redeem({ platform, token, gatewayName }: Enrolment): Promise<GatewayLogin> {
  try {
    return await platform.gatewayAgent.login({ method: "token", token });
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== "ENROLLMENT_TOKEN_INVALID") throw error;
    throw new SallyportError(
      "ENROLLMENT_TOKEN_INVALID",
      `${firstSentence(error.message)} It works once and for an hour; if an earlier run with it was ` +
        `interrupted, its credentials are lost: ${deployHint(gatewayName)}.`,
      { cause: error },
    );
  }
}

async function keep({ confPath, gatewayName }: Enrolment, conf: Map<string, string>): Promise<void> {
  try {
    await writeConf(confPath, conf);
  } catch (error) {
    throw new SallyportError(
      "FILE_UNWRITABLE",
      `The token is redeemed, but what it gave could not be kept: ${describe(error)} Mend that, then ` +
        `${deployHint(gatewayName)}.`,
      { cause: error },
    );
  }
}

/** The present conf with our keys set; everything else in it stays. */
function confOf(enrolment: Enrolment, gatewayId: string, accessToken: string): Map<string, string> {
  const { gatewayName, token, settings } = enrolment;
  const conf = withSettings(enrolment.conf, gatewayName, settings);
  if (gatewayId) conf.set("INFISICAL_GATEWAY_ID", gatewayId);
  conf.set("INFISICAL_GATEWAY_ENROLL_METHOD", "token");
  conf.set("INFISICAL_GATEWAY_ENROLLMENT_TOKEN", token);
  conf.set("INFISICAL_GATEWAY_ACCESS_TOKEN", accessToken);
  return conf;
}

/** A copy of the conf with these settings in it, so that `start` alone is enough; everything else stays. */
export function withSettings(
  previous: ReadonlyMap<string, string>,
  gatewayName: string,
  { domain, relays, tunnels, allow, deny, caFile, insecureHttp }: GatewaySettings,
): Map<string, string> {
  const conf = new Map(previous);
  const set = (key: string, value: string | undefined) => value !== undefined && conf.set(key, value);
  set("INFISICAL_GATEWAY_NAME", gatewayName);
  set("INFISICAL_GATEWAY_DOMAIN", domain);
  set("INFISICAL_RELAY_NAME", relays[0]);
  if (relays.length > 1) conf.set("SALLYPORT_RELAY_NAME", relays.join(","));
  else conf.delete("SALLYPORT_RELAY_NAME");
  set("SALLYPORT_TUNNELS", tunnels?.toString());
  set("SALLYPORT_ALLOW", allow.join(","));
  set("SALLYPORT_DENY", deny.join(","));
  set("SALLYPORT_CA_FILE", caFile);
  if (insecureHttp) conf.set("SALLYPORT_INSECURE_HTTP", "true");
  return conf;
}
