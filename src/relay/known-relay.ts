import { openPlatform } from "../client/open-platform.ts";
import { findConf } from "../host/conf-file.ts";
import { confPath, type Machine } from "../host/paths.ts";
import type { PlatformClient } from "../platform-client/client.ts";
import type { GivenIdentity } from "../platform-client/identity-login.ts";
import { SallyportError } from "../telemetry/error.ts";
import type { Conf } from "./enrolment.ts";
import { type RelayFlags, type RelaySettings, relaySettings } from "./settings.ts";

export interface RelayRequest {
  name: string;
  flags: RelayFlags;
  /** Enrollment token from a flag, a file or the environment. */
  token?: string | undefined;
  /** The machine identity of the command line, as far as it says. */
  identity?: GivenIdentity | undefined;
  /** Where the person on this machine is logged in. */
  profileDomain?: string | undefined;
  machine: Machine;
}

/** What is asked for, its conf, and what both say together with the environment. */
export interface KnownRelay extends RelayRequest {
  confPath: string;
  conf: Conf;
  settings: RelaySettings;
}

/** Reads what there is of a relay of a platform. @throws SallyportError NAME_INVALID, CONFIG_INVALID, FILE_UNREADABLE */
export async function knownRelay(request: RelayRequest): Promise<KnownRelay> {
  const { name, flags, machine, profileDomain } = request;
  const found = await findConf("relay", name, machine);
  const conf: Conf = found?.values ?? new Map();
  return {
    ...request,
    confPath: found?.path ?? confPath("relay", name, machine),
    conf,
    settings: relaySettings(flags, conf, machine.env, profileDomain),
  };
}

/** A client for the relay's own calls; `token` is asked for each one. @throws SallyportError USAGE, CONFIG_INVALID */
export function platformOf(
  { name, settings, machine }: KnownRelay,
  token?: () => string | undefined | Promise<string | undefined>,
): PlatformClient {
  const { domain, caFile, insecureHttp } = settings;
  if (domain) return openPlatform({ domain, caFile, insecureHttp }, machine.env, token);
  throw new SallyportError(
    "USAGE",
    `Say which platform the relay ${name} belongs to: add --domain https://...`,
  );
}
