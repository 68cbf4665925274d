import { openPlatform, type PlatformAddress } from "../client/open-platform.ts";
import { chooseDomain } from "../host/domain.ts";
import { type Environment, secret, setting } from "../host/environment.ts";
import type { PlatformClient } from "../platform-client/client.ts";
import { storedIdentity } from "../platform-client/identity-login.ts";
import { IdentitySession } from "../platform-client/identity-session.ts";
import { readProfile } from "../platform-client/profile.ts";
import { SallyportError } from "../telemetry/error.ts";
import { say } from "./output.ts";

/** Flags of every command that speaks to the platform as a person. */
export const sessionArgs = {
  domain: {
    type: "string",
    description: "The platform's address; default: where you are logged in",
    valueHint: "url",
  },
  "ca-file": {
    type: "string",
    description: "PEM file of authorities to trust besides the system's",
    valueHint: "file",
  },
  "insecure-http": { type: "boolean", description: "Allow plain http to another machine" },
} as const;

interface SessionFlags {
  domain?: string | undefined;
  "ca-file"?: string | undefined;
  "insecure-http"?: boolean | undefined;
}

/**
 * The platform as the person who is logged in here. SALLYPORT_TOKEN (or ..._FILE) beats the profile of
 * `sallyport login`; the profile's token is only ever sent to the profile's domain. In between comes a machine identity
 * of the environment, SALLYPORT_UNIVERSAL_AUTH_CLIENT_ID and ..._CLIENT_SECRET, which stays logged in.
 * @throws SallyportError UNAUTHENTICATED when nobody is logged in, CONFIG_INVALID
 */
export async function openSession(
  flags: SessionFlags,
  env: Environment = process.env,
): Promise<PlatformClient> {
  const profile = await readProfile();
  const domain = chooseDomain({ flag: flags.domain, profile: profile?.domain, env });
  if (domain === undefined) throw notLoggedIn();
  const caFile = flags["ca-file"] || setting(env, "CA_FILE");
  const platform = { domain, caFile, insecureHttp: flags["insecure-http"] };
  const fromEnvironment = await tokenOfEnvironment(platform, env);
  const token = fromEnvironment ?? (() => profile?.token);
  const client = openPlatform(platform, env, token, () => say(`Waiting for ${domain} ...`));
  if (fromEnvironment === undefined && client.domain !== profile?.domain) throw notLoggedIn(client.domain);
  return client;
}

async function tokenOfEnvironment(
  platform: PlatformAddress,
  env: Environment,
): Promise<(() => string | Promise<string>) | undefined> {
  const token = await secret(env, "TOKEN");
  if (token !== undefined) return () => token;
  const login = await storedIdentity(new Map(), env);
  if (!login) return undefined;
  const session = new IdentitySession({ login, calls: openPlatform(platform, env).identities });
  return () => session.token();
}

function notLoggedIn(domain?: string): SallyportError {
  return new SallyportError(
    "UNAUTHENTICATED",
    `You are not logged in${domain ? ` to ${domain}` : ""}: run "sallyport login --domain ${domain ?? "https://..."}", or set SALLYPORT_TOKEN.`,
  );
}
