import { type Environment, secret } from "../../host/environment.ts";
import { givenIdentity, storedIdentity, withIdentity } from "../../platform-client/identity-login.ts";
import type { IdentityLogin } from "../../platform-client/identity-session.ts";
import { type Conf, keptToken, storedAccessToken } from "../../relay/enrolment.ts";
import { SallyportError } from "../../telemetry/error.ts";
import type { GivenCredentials } from "../identity-flags.ts";
import type { KnownRelay } from "./enrolled.ts";

/**
 * The machine identity that an organisation's relay runs as, if it does: what the command line names; where nothing was
 * or is to be enrolled, that of environment and conf (PROTOCOL 0.3).
 * @throws SallyportError CONFIG_INVALID, FILE_UNREADABLE
 */
export async function relayIdentity(
  { token, identity = {} }: GivenCredentials,
  { conf }: KnownRelay,
  env: Environment,
): Promise<IdentityLogin | undefined> {
  const named = await givenIdentity(identity, conf, env);
  const enrolled = token ?? keptToken(conf) ?? (await storedAccessToken(conf, env));
  return named || enrolled !== undefined ? named : await storedIdentity(conf, env);
}

/** It registers with its host, which only it knows. @throws SallyportError USAGE */
export function requireHost({ name, settings: { host } }: KnownRelay): string {
  if (host) return host;
  throw new SallyportError(
    "USAGE",
    `The relay ${name} registers as a machine identity: add --host with the name or address that gateways and clients dial.`,
  );
}

/** The conf for a service; what was enrolled before would be used instead of the identity, so it goes. */
export function identityConf(conf: Conf, login: IdentityLogin): Conf {
  const values = new Map(conf);
  for (const key of ["ACCESS_TOKEN", "ENROLLMENT_TOKEN", "ENROLL_METHOD", "ID"]) {
    values.delete(`INFISICAL_RELAY_${key}`);
    values.delete(`SALLYPORT_RELAY_${key}`);
  }
  return withIdentity(values, login);
}

/** What the command line or the environment gives to enroll with, or to log in with. */
export async function orFromEnvironment(
  given: GivenCredentials,
  env: Environment,
): Promise<GivenCredentials> {
  if (given.token !== undefined || given.identity) return given;
  const token = await secret(env, "RELAY_ENROLLMENT_TOKEN");
  return token === undefined ? {} : { token };
}
