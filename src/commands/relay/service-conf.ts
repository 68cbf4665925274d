import { findReadableConf, isSameConf, readConf, writeConf } from "../../host/conf-file.ts";
import { type Environment, secret } from "../../host/environment.ts";
import { confPath, type Machine } from "../../host/paths.ts";
import type { ServiceConf } from "../../host/service/describe-service.ts";
import { type Conf, withSettings } from "../../relay/enrolment.ts";
import { type RelayFlags, relaySettings } from "../../relay/settings.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { type KnownRelay, knownRelay, platformOf, relayCredentials, requireEnrolled } from "./enrolled.ts";
import type { IdentityFlags } from "./flags.ts";
import { identityConf, relayIdentity, requireHost } from "./identity.ts";
import { machineConf, relayMachineLogin } from "./machine.ts";

/**
 * The conf of a relay that is to run as a service: at its own path (an older product's file is copied), with the flags of
 * this call and what it logs in with. Enrolls where a new token is given; without one, what is stored counts.
 * @throws SallyportError USAGE, CONFIG_INVALID and what `requireEnrolled` says
 */
export async function keepServiceConf(
  args: IdentityFlags,
  flags: RelayFlags,
  machine: Machine,
): Promise<ServiceConf & { changed: boolean }> {
  const { env } = machine;
  const relay = await knownRelay(args, flags, env);
  const path = confPath("relay", relay.name, machine);
  const before = await readConf(path);
  const domain = platformOf(relay, env).domain;
  const login =
    relay.settings.type === "instance" ? await sharedSecret(relay, env) : await enrolled(relay, args, env);
  const values = withSettings(login, { name: relay.name, domain, settings: relay.settings });
  const changed = !isSameConf(before, values);
  if (changed) await writeConf(path, values);
  return { path, values, changed };
}

/** What `keepServiceConf` would leave there, as far as it can be known without enrolling. Writes nothing. */
export async function previewServiceConf(
  name: string,
  flags: RelayFlags,
  machine: Machine,
): Promise<ServiceConf> {
  const conf: Conf = (await findReadableConf("relay", name, machine))?.values ?? new Map();
  const settings = relaySettings(flags, conf, machine.env);
  return {
    path: confPath("relay", name, machine),
    values: withSettings(conf, { name, domain: settings.domain, settings }),
  };
}

async function enrolled(relay: KnownRelay, args: IdentityFlags, env: Environment): Promise<Conf> {
  const given = await relayCredentials(args, env);
  const machine = relayMachineLogin(args, given, relay, env);
  // The service logs in by itself.
  if (machine) return machineConf(relay.conf, machine);
  const identity = await relayIdentity(given, relay, env);
  if (identity) {
    requireHost(relay);
    return identityConf(relay.conf, identity);
  }
  const { conf, accessToken } = await requireEnrolled(relay, given.token, env);
  const stored = await secret(Object.fromEntries(conf), "RELAY_ACCESS_TOKEN");
  return stored === undefined ? new Map(conf).set("INFISICAL_RELAY_ACCESS_TOKEN", accessToken) : conf;
}

/** The secret of an instance relay, which the service can't have from this environment. */
async function sharedSecret({ conf, settings }: KnownRelay, env: Environment): Promise<Conf> {
  const given = await secret(env, "RELAY_AUTH_SECRET");
  const stored = await secret(Object.fromEntries(conf), "RELAY_AUTH_SECRET");
  if (!(given ?? stored) || !settings.host) {
    const missing = settings.host ? "SALLYPORT_RELAY_AUTH_SECRET (or ..._FILE) in the environment" : "--host";
    throw new SallyportError("USAGE", `An instance relay needs ${missing}.`);
  }
  if (given === undefined || given === stored) return conf;
  const values = new Map(conf);
  values.delete("SALLYPORT_RELAY_AUTH_SECRET");
  return values.set("INFISICAL_RELAY_AUTH_SECRET", given);
}
