import { givenIdentity, storedIdentity } from "../platform-client/identity-login.ts";
import type { IdentityLogin } from "../platform-client/identity-session.ts";
import { SallyportError } from "../telemetry/error.ts";
import { keptToken, storedAccessToken } from "./enrolment.ts";
import type { KnownRelay } from "./known-relay.ts";

/**
 * The machine identity that an organisation's relay runs as, if it does: what the command line names; where nothing was
 * or is to be enrolled, that of environment and conf (PROTOCOL 0.3).
 * @throws SallyportError CONFIG_INVALID, FILE_UNREADABLE
 */
export async function relayIdentity({
  token,
  identity = {},
  conf,
  machine: { env },
}: KnownRelay): Promise<IdentityLogin | undefined> {
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
