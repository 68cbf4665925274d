import { findReadableConf, readConf } from "../host/conf-file.ts";
import { secret } from "../host/environment.ts";
import { confPath } from "../host/paths.ts";
import type { ServiceConf } from "../host/service/describe-service.ts";
import { type KeptConf, keepConf } from "../host/service/keep-conf.ts";
import { givenIdentity, identityConf, storedIdentity } from "../platform-client/identity-login.ts";
import type { IdentityLogin } from "../platform-client/identity-session.ts";
import { machineLogin } from "../platform-client/login/machine-login.ts";
import { enrolFromRequest } from "./access.ts";
import { withSettings } from "./enrolment.ts";
import { gatewayMachineLogin, machineConf } from "./machine-platform.ts";
import { type GatewayRequest, notEnrolled, readSettings } from "./request.ts";
import { gatewaySettings, storedAccessToken } from "./settings.ts";
import { parsePolicy } from "./target-policy.ts";

/**
 * The conf of a gateway that is to run as a service: at its own path (an older product's single file is copied), with the
 * flags of this call and an access token in it, or the machine identity that it runs as. Enrolls where a new token is
 * given; without one, what is stored counts.
 * @throws SallyportError as `enrolFromRequest`, CONFIG_INVALID when there is neither conf nor token
 */
export async function keepServiceConf(request: GatewayRequest): Promise<KeptConf> {
  const { gatewayName, machine } = request;
  const path = confPath("gateway", gatewayName, machine);
  const before = await readConf(path);
  const { conf, settings } = await readSettings(request);
  const login = request.identity ? undefined : await gatewayMachineLogin(request, conf);
  // The service logs in by itself.
  if (login) return await keepConf(path, before, machineConf(conf, gatewayName, settings, login));
  const identity = await identityOf(request, conf);
  if (identity)
    return await keepConf(
      path,
      before,
      identityConf(withSettings(conf, gatewayName, settings), "gateway", identity),
    );
  const stored = await storedAccessToken(conf, machine.env);
  // Infisical's `systemd install` leaves the token in the conf for the first start.
  const token =
    request.token ??
    (await secret(machine.env, "GATEWAY_ENROLLMENT_TOKEN")) ??
    (stored === undefined ? conf.get("INFISICAL_GATEWAY_ENROLLMENT_TOKEN") : undefined);
  if (token === undefined && stored === undefined) throw notEnrolled(gatewayName, machine);
  const base = token === undefined ? conf : (await enrolFromRequest({ ...request, token })).conf;
  const values = withSettings(base, gatewayName, settings);
  if (stored !== undefined && (await storedAccessToken(values, {})) === undefined) {
    values.set("INFISICAL_GATEWAY_ACCESS_TOKEN", stored);
  }
  return await keepConf(path, before, values);
}

/** By the same precedence as at a start: the command line, then what was enrolled, then environment and conf. */
async function identityOf(
  { identity = {}, token, machine }: GatewayRequest,
  conf: ReadonlyMap<string, string>,
): Promise<IdentityLogin | undefined> {
  const named = await givenIdentity(identity, conf, machine.env);
  const enrolled = token ?? (await secret(machine.env, "GATEWAY_ENROLLMENT_TOKEN"));
  if (named || enrolled !== undefined || (await storedAccessToken(conf, machine.env)) !== undefined)
    return named;
  if (conf.has("INFISICAL_GATEWAY_ENROLLMENT_TOKEN")) return undefined;
  return await storedIdentity(conf, machine.env);
}

/** What `keepServiceConf` would leave there, as far as it can be known without enrolling. Writes nothing. */
export async function previewServiceConf({
  gatewayName,
  flags,
  machine,
}: GatewayRequest): Promise<ServiceConf> {
  const conf = (await findReadableConf("gateway", gatewayName, machine))?.values ?? new Map();
  const settings = gatewaySettings(flags, conf, machine.env);
  parsePolicy({ allow: settings.allow, deny: settings.deny, gatewayName });
  const login = machineLogin({ role: "gateway", flags: flags.login ?? {}, conf, env: machine.env });
  return {
    path: confPath("gateway", gatewayName, machine),
    values: login
      ? machineConf(conf, gatewayName, settings, login)
      : withSettings(conf, gatewayName, settings),
  };
}
