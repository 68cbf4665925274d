import { findConf } from "../host/conf-file.ts";
import { normaliseDomain } from "../host/domain.ts";
import { confPath, type Machine } from "../host/paths.ts";
import type { GivenIdentity } from "../platform-client/identity-login.ts";
import { SallyportError } from "../telemetry/error.ts";
import { deployHint } from "./enrolment.ts";
import { type GatewayFlags, type GatewaySettings, gatewaySettings } from "./settings.ts";
import { parsePolicy } from "./target-policy.ts";

export interface GatewayRequest {
  gatewayName: string;
  flags: GatewayFlags;
  /** Enrollment token from a flag or a file. */
  token?: string | undefined;
  /** The machine identity of the command line, as far as it says. */
  identity?: GivenIdentity | undefined;
  /** Where the person on this machine is logged in. */
  profileDomain?: string | undefined;
  machine: Machine;
}

export type KnownSettings = GatewaySettings & { domain: string };

interface Known {
  conf: ReadonlyMap<string, string>;
  /** Where it is, if there is one. */
  confFile: string | undefined;
  settings: KnownSettings;
}

/** @throws SallyportError CONFIG_INVALID, NAME_INVALID, FILE_UNREADABLE */
export async function readSettings(request: GatewayRequest): Promise<Known> {
  const { gatewayName, flags, machine, profileDomain, token } = request;
  const found = await findConf("gateway", gatewayName, machine);
  const conf = found?.values ?? new Map<string, string>();
  const settings = gatewaySettings(flags, conf, machine.env, profileDomain);
  parsePolicy({ allow: settings.allow, deny: settings.deny, gatewayName });
  if (settings.domain === undefined) {
    if (token === undefined && conf.size === 0 && !flags.login?.enrollMethod)
      throw notEnrolled(gatewayName, machine);
    throw new SallyportError("CONFIG_INVALID", "Which platform? Add --domain https://...");
  }
  const { insecureHttp } = settings;
  const known = { conf, confFile: found?.path };
  return { ...known, settings: { ...settings, domain: normaliseDomain(settings.domain, { insecureHttp }) } };
}

/** Neither conf nor token, or no domain: says which command to run. */
export function notEnrolled(gatewayName: string, machine: Machine): SallyportError {
  const path = confPath("gateway", gatewayName, machine);
  return new SallyportError(
    "CONFIG_INVALID",
    `Gateway ${gatewayName} is not enrolled here (nothing of use in ${path}): ${deployHint(gatewayName)}, then run ` +
      `"sallyport gateway enroll ${gatewayName} --token-file - --domain https://..." and paste it.`,
  );
}
