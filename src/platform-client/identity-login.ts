import { type Environment, secret, setting } from "../host/environment.ts";
import { SallyportError } from "../telemetry/error.ts";
import type { IdentityLogin } from "./identity-session.ts";

/** What a command line says; absent = not given. */
export interface GivenIdentity {
  accessToken?: string | undefined;
  clientId?: string | undefined;
  clientSecret?: string | undefined;
  /** A login by client id and secret is meant, wherever those are. */
  universalAuth?: boolean | undefined;
}

/** The names of Infisical's variables, which a conf file may hold too. */
const CLIENT_ID = "UNIVERSAL_AUTH_CLIENT_ID";
const CLIENT_SECRET = "UNIVERSAL_AUTH_CLIENT_SECRET";
/** A machine identity's access token. */
const IDENTITY_TOKEN = "TOKEN";

/**
 * The machine identity that the command line names; what it leaves away comes from the environment, then from the conf.
 * Undefined when it names none.
 * @throws SallyportError CONFIG_INVALID when half of it is missing, FILE_UNREADABLE
 */
export async function givenIdentity(
  given: GivenIdentity,
  conf: ReadonlyMap<string, string>,
  env: Environment,
): Promise<IdentityLogin | undefined> {
  if (given.accessToken !== undefined) return { accessToken: given.accessToken };
  const { clientId, clientSecret, universalAuth = false } = given;
  if (clientId === undefined && clientSecret === undefined && !universalAuth) return undefined;
  const login = await clientLogin(given, conf, env);
  if (login) return login;
  throw new SallyportError(
    "CONFIG_INVALID",
    "A machine identity logs in with --client-id and --client-secret-file, or " +
      `SALLYPORT_${CLIENT_ID} and SALLYPORT_${CLIENT_SECRET}.`,
  );
}

/**
 * The machine identity of environment and conf, for a daemon that has no credential of its own.
 * @throws SallyportError CONFIG_INVALID when half of it is missing, FILE_UNREADABLE
 */
export async function storedIdentity(
  conf: ReadonlyMap<string, string>,
  env: Environment,
): Promise<IdentityLogin | undefined> {
  const login = await clientLogin({}, conf, env);
  if (login) return login;
  const accessToken = await either(IDENTITY_TOKEN, conf, env);
  // A person's API token goes by the same name; no daemon acts as a person.
  return accessToken === undefined || accessToken.startsWith("spt_") ? undefined : { accessToken };
}

/**
 * A copy of a daemon's conf with the machine identity in it, in Infisical's keys. What was enrolled before would be used
 * instead, so it goes.
 */
export function identityConf(
  conf: ReadonlyMap<string, string>,
  role: "gateway" | "relay",
  login: IdentityLogin,
): Map<string, string> {
  const values = new Map(conf);
  const kind = role.toUpperCase();
  for (const name of ["ACCESS_TOKEN", "ENROLLMENT_TOKEN", "ENROLL_METHOD", "ID"]) {
    values.delete(`INFISICAL_${kind}_${name}`);
    values.delete(`SALLYPORT_${kind}_${name}`);
  }
  for (const name of [CLIENT_ID, CLIENT_SECRET, IDENTITY_TOKEN]) {
    values.delete(`INFISICAL_${name}`);
    values.delete(`SALLYPORT_${name}`);
  }
  if ("accessToken" in login) return values.set(`INFISICAL_${IDENTITY_TOKEN}`, login.accessToken);
  return values
    .set(`INFISICAL_${CLIENT_ID}`, login.clientId)
    .set(`INFISICAL_${CLIENT_SECRET}`, login.clientSecret);
}

async function clientLogin(
  given: GivenIdentity,
  conf: ReadonlyMap<string, string>,
  env: Environment,
): Promise<IdentityLogin | undefined> {
  const clientId = given.clientId ?? setting(env, CLIENT_ID) ?? setting(Object.fromEntries(conf), CLIENT_ID);
  const clientSecret = given.clientSecret ?? (await either(CLIENT_SECRET, conf, env));
  if (clientId !== undefined && clientSecret !== undefined) return { clientId, clientSecret };
  if (clientId === undefined && clientSecret === undefined) return undefined;
  throw new SallyportError(
    "CONFIG_INVALID",
    clientId === undefined
      ? `There is a client secret without a client id: add --client-id or SALLYPORT_${CLIENT_ID}.`
      : `There is a client id without a client secret: add --client-secret-file or SALLYPORT_${CLIENT_SECRET}.`,
  );
}

async function either(
  name: string,
  conf: ReadonlyMap<string, string>,
  env: Environment,
): Promise<string | undefined> {
  return (await secret(env, name)) ?? (await secret(Object.fromEntries(conf), name));
}
