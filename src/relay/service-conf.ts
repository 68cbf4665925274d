import { findReadableConf, readConf } from "../host/conf-file.ts";
import { secret } from "../host/environment.ts";
import { confPath } from "../host/paths.ts";
import type { ServiceConf } from "../host/service/describe-service.ts";
import { type KeptConf, keepConf } from "../host/service/keep-conf.ts";
import { identityConf } from "../platform-client/identity-login.ts";
import { withMachineLogin } from "../platform-client/login/machine-login.ts";
import { requireEnrolled } from "./enrolled.ts";
import { type Conf, withSettings } from "./enrolment.ts";
import { relayIdentity, requireHost } from "./identity-login.ts";
import { keptSecret, requireInstance } from "./instance-secret.ts";
import { type KnownRelay, knownRelay, platformOf, type RelayRequest } from "./known-relay.ts";
import { relayMachineLogin } from "./machine-login.ts";
import { relaySettings } from "./settings.ts";

/**
 * The conf of a relay that is to run as a service: at its own path (an older product's file is copied), with the flags of
 * this call and what it logs in with. Enrolls where a new token is given; without one, what is stored counts.
 * @throws SallyportError USAGE, CONFIG_INVALID and what `requireEnrolled` says
 */
export async function keepServiceConf(request: RelayRequest): Promise<KeptConf> {
  const relay = await knownRelay(request);
  const { name, settings } = relay;
  const path = confPath("relay", name, request.machine);
  const before = await readConf(path);
  const { domain } = platformOf(relay);
  const login = settings.type === "instance" ? await sharedSecret(relay) : await ownLogin(relay);
  return await keepConf(path, before, withSettings(login, { name, domain, settings }));
}

/** What `keepServiceConf` would leave there, as far as it can be known without enrolling. Writes nothing. */
export async function previewServiceConf({ name, flags, machine }: RelayRequest): Promise<ServiceConf> {
  const conf: Conf = (await findReadableConf("relay", name, machine))?.values ?? new Map();
  const settings = relaySettings(flags, conf, machine.env);
  return {
    path: confPath("relay", name, machine),
    values: withSettings(conf, { name, domain: settings.domain, settings }),
  };
}

async function ownLogin(relay: KnownRelay): Promise<Conf> {
  const machine = relayMachineLogin(relay);
  // The service logs in by itself.
  if (machine) return withMachineLogin(relay.conf, "relay", machine);
  const identity = await relayIdentity(relay);
  if (identity) {
    requireHost(relay);
    return identityConf(relay.conf, "relay", identity);
  }
  const { conf, accessToken } = await requireEnrolled(relay);
  const stored = await secret(Object.fromEntries(conf), "RELAY_ACCESS_TOKEN");
  return stored === undefined ? new Map(conf).set("INFISICAL_RELAY_ACCESS_TOKEN", accessToken) : conf;
}

/** The secret of an instance relay, which the service can't have from this environment. */
async function sharedSecret(relay: KnownRelay): Promise<Conf> {
  const { shared } = await requireInstance(relay);
  if (shared === (await keptSecret(relay))) return relay.conf;
  const values = new Map(relay.conf);
  values.delete("SALLYPORT_RELAY_AUTH_SECRET");
  return values.set("INFISICAL_RELAY_AUTH_SECRET", shared);
}
