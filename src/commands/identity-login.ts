import type { PlatformClient } from "../platform-client/client.ts";
import { givenIdentity } from "../platform-client/identity-login.ts";
import { SallyportError } from "../telemetry/error.ts";
import { givenUniversalAuth, universalAuthArgs } from "./identity-flags.ts";
import { printLine, say } from "./output.ts";

/** Flags of `login` as a machine identity, in Infisical's words. */
export const identityLoginArgs = {
  method: {
    type: "string",
    description: "user, or universal-auth to print a machine identity's access token",
    valueHint: "method",
  },
  ...universalAuthArgs,
  plain: { type: "boolean", description: "With universal-auth: print the token alone" },
  silent: { type: "boolean", description: "With universal-auth: no words besides it" },
} as const;

interface IdentityLoginFlags {
  method?: string | undefined;
  "client-id"?: string | undefined;
  "client-secret"?: string | undefined;
  "client-secret-file"?: string | undefined;
  plain?: boolean | undefined;
  silent?: boolean | undefined;
}

/** Whether these flags ask for a machine identity's login. @throws SallyportError USAGE for flags that fit no method */
export function isIdentityLogin(args: IdentityLoginFlags): boolean {
  const { method = "user" } = args;
  if (method === "universal-auth") return true;
  if (method !== "user") {
    throw new SallyportError(
      "USAGE",
      `There is no login method ${JSON.stringify(method.slice(0, 40))}: use user or universal-auth.`,
    );
  }
  const stray = ["client-id", "client-secret", "client-secret-file", "plain", "silent"] as const;
  const given = stray.find((flag) => args[flag] !== undefined && args[flag] !== false);
  if (given !== undefined) throw new SallyportError("USAGE", `--${given} goes with --method universal-auth.`);
  return false;
}

/**
 * Logs in as the machine identity of flags or environment and prints its access token to stdout; nothing is kept on this
 * machine, for the token is short-lived and for scripts.
 * @throws SallyportError CONFIG_INVALID, UNAUTHENTICATED, PLATFORM_UNREACHABLE
 */
export async function printIdentityToken(client: PlatformClient, args: IdentityLoginFlags): Promise<void> {
  const given = await givenUniversalAuth(args);
  const login = await givenIdentity({ ...given, universalAuth: true }, new Map(), process.env);
  if (!login || !("clientId" in login)) throw new SallyportError("INTERNAL", "There is no client id.");
  const { accessToken, expiresIn } = await client.identities.login(login.clientId, login.clientSecret);
  if (!args.plain && !args.silent) {
    say(`Logged in to ${client.domain} for ${expiresIn} s. Use the token as SALLYPORT_TOKEN:`);
  }
  printLine(accessToken);
}
