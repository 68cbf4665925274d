import { secret } from "../../host/environment.ts";
import { thisMachine } from "../../host/paths.ts";
import { profilePath, readProfile } from "../../platform-client/profile.ts";
import type { RelayRequest } from "../../relay/known-relay.ts";
import type { RelayFlags } from "../../relay/settings.ts";
import { givenCredentials } from "../identity-flags.ts";
import { type IdentityFlags, requiredRelayName } from "./flags.ts";

/**
 * What a command line asks of a relay of a platform; the token of the environment counts where it names nothing.
 * @throws SallyportError USAGE, NAME_INVALID, UNSUPPORTED, FILE_UNREADABLE
 */
export async function relayRequest(
  verb: string,
  args: IdentityFlags,
  flags: RelayFlags,
  machine = thisMachine(),
): Promise<RelayRequest> {
  const { env } = machine;
  const name = requiredRelayName(verb, args, env);
  const profileDomain = (await readProfile(profilePath(env)))?.domain;
  const given = await givenCredentials(args);
  const token = given.identity ? undefined : (given.token ?? (await secret(env, "RELAY_ENROLLMENT_TOKEN")));
  return { name, flags, token, identity: given.identity, profileDomain, machine };
}
