import { readSecretFile } from "../host/environment.ts";
import type { PlatformClient } from "../platform-client/client.ts";
import { SallyportError } from "../telemetry/error.ts";
import { say } from "./output.ts";
import { askHidden, askNewPassword } from "./prompt.ts";

export interface Invitation {
  token: string;
  /** Of the platform that made it; undefined where the token alone was given. */
  domain: string | undefined;
}

const TOKEN = /^spv_[\w-]{1,200}$/;
const PAGE = /\/invitation\/?$/;

/** A link, or the token in it. @throws SallyportError USAGE, without repeating what was given */
export function parseInvitation(text: string): Invitation {
  if (TOKEN.test(text)) return { token: text, domain: undefined };
  const url = URL.parse(text);
  const token = url?.hash.slice(1) ?? "";
  if (url && /^https?:$/.test(url.protocol) && PAGE.test(url.pathname) && TOKEN.test(token)) {
    return { token, domain: `${url.origin}${url.pathname.replace(PAGE, "")}` };
  }
  throw new SallyportError(
    "USAGE",
    "--invitation has to be the whole link that you were given, in quotes: https://.../invitation#spv_...",
  );
}

/** Joins, with a password that is new or, for somebody whom the platform knows, the one they have. @returns a token */
export async function acceptInvitation(
  client: PlatformClient,
  { token }: Invitation,
  own: { name: string | undefined; passwordFile: string | undefined },
): Promise<string> {
  const { email, organisation, role, known } = await client.people.readInvitation(token);
  say(`You are invited to ${organisation} at ${client.domain} as ${email}, with the role ${role}.`);
  const password = await passwordOf(own.passwordFile, known);
  const { name } = own;
  const joined = await client.people.acceptInvitation({
    token,
    password,
    ...(name !== undefined && { name }),
  });
  return joined.accessToken;
}

async function passwordOf(file: string | undefined, known: boolean): Promise<string> {
  if (file !== undefined) return await readSecretFile(file);
  const otherwise = "give your password with --password-file";
  return known
    ? await askHidden("Your password on this platform: ", otherwise)
    : await askNewPassword(otherwise);
}
