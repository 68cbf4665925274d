import { openPlatform } from "../client/open-platform.ts";
import { chooseDomain } from "../host/domain.ts";
import { readSecretFile, setting } from "../host/environment.ts";
import { whoName } from "../platform-client/calls/session.ts";
import type { PlatformClient } from "../platform-client/client.ts";
import { profilePath, readProfile, writeProfile } from "../platform-client/profile.ts";
import { SallyportError } from "../telemetry/error.ts";
import { command } from "./command.ts";
import { identityLoginArgs, isIdentityLogin, printIdentityToken } from "./identity-login.ts";
import { acceptInvitation } from "./invitation.ts";
import { INVITATION, type OnceLink, PASSWORD_RESET, parseLink } from "./link.ts";
import { say } from "./output.ts";
import { ask, askHidden } from "./prompt.ts";
import { resetPassword } from "./reset-password.ts";
import { sessionArgs } from "./session.ts";

export default command({
  name: "login",
  description: "Log in to a platform on this machine, or join one by an invitation",
  args: {
    ...sessionArgs,
    ...identityLoginArgs,
    "token-file": {
      type: "string",
      description: "File with an API token, - for stdin; without it you are asked for address and password",
      valueHint: "file",
    },
    invitation: {
      type: "string",
      description: "The link that you were given; it works once",
      valueHint: "link",
    },
    "password-reset": {
      type: "string",
      description: "The link that you were given to choose a new password; it works once",
      valueHint: "link",
    },
    email: {
      type: "string",
      description: "Your e-mail address; without it you are asked",
      valueHint: "address",
    },
    name: {
      type: "string",
      description: "With --invitation: your name, as others see it",
      valueHint: "name",
    },
    "password-file": {
      type: "string",
      description:
        "With --invitation, --password-reset or --email: file with your password, - for stdin; without it you are asked",
      valueHint: "file",
    },
  },
  async run({ args }) {
    const { env } = process;
    const asIdentity = isIdentityLogin(args);
    const { invitation: invited, "password-reset": forgotten } = args;
    const invitation = invited === undefined ? undefined : parseLink(invited, INVITATION);
    const reset = forgotten === undefined ? undefined : parseLink(forgotten, PASSWORD_RESET);
    requireFitting(args, { invitation, reset });
    const flag = args.domain ?? (invitation ?? reset)?.domain;
    const domain = chooseDomain({ flag, profile: (await readProfile())?.domain, env });
    if (domain === undefined) {
      throw new SallyportError(
        "USAGE",
        "Name the platform, for example --domain https://sallyport.example.com.",
      );
    }
    const caFile = args["ca-file"] || setting(env, "CA_FILE");
    const platform = { domain, caFile, insecureHttp: args["insecure-http"] };
    const client = openPlatform(platform, env);
    if (asIdentity) return await printIdentityToken(client, args);
    const passwordFile = args["password-file"];
    const token = invitation
      ? await acceptInvitation(client, invitation, { name: args.name, passwordFile })
      : reset
        ? await resetPassword(client, reset, passwordFile)
        : await tokenOf(client, args);
    const who = await openPlatform(platform, env, () => token).session.who();
    await writeProfile({ domain: client.domain, token });
    say(
      `Logged in to ${client.domain} as ${whoName(who)}, organisation ${who.organisation.name} (${profilePath()}).`,
    );
  },
});

interface PasswordFlags {
  "token-file"?: string | undefined;
  email?: string | undefined;
  "password-file"?: string | undefined;
}

/** @throws SallyportError USAGE for flags that mean nothing together */
function requireFitting(
  args: PasswordFlags & { name?: string | undefined },
  { invitation, reset }: { invitation: OnceLink | undefined; reset: OnceLink | undefined },
): void {
  const ways = [invitation, reset, args["token-file"], args.email].filter((way) => way !== undefined);
  if (ways.length > 1) {
    throw new SallyportError(
      "USAGE",
      "Give one of --invitation, --password-reset, --token-file and --email.",
    );
  }
  if (!invitation && args.name !== undefined) {
    throw new SallyportError("USAGE", "--name goes with --invitation only.");
  }
  if (!invitation && !reset && args.email === undefined && args["password-file"] !== undefined) {
    throw new SallyportError("USAGE", "--password-file goes with --invitation, --password-reset or --email.");
  }
}

async function tokenOf(client: PlatformClient, flags: PasswordFlags): Promise<string> {
  const { "token-file": tokenFile, "password-file": passwordFile } = flags;
  if (tokenFile) return await readSecretFile(tokenFile);
  const otherwise = "give an API token with --token-file, or --email and --password-file";
  const email = flags.email ?? (await ask(`E-mail address at ${client.domain}: `, otherwise));
  const password = passwordFile
    ? await readSecretFile(passwordFile)
    : await askHidden("Password: ", otherwise);
  return (await client.session.login(email.trim(), password)).accessToken;
}
