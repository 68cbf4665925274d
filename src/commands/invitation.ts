import { readSecretFile } from "../host/environment.ts";
import type { PlatformClient } from "../platform-client/client.ts";
import type { OnceLink } from "./link.ts";
import { say } from "./output.ts";
import { askHidden, askNewPassword } from "./prompt.ts";

/** Joins, with a password that is new or, for somebody whom the platform knows, the one they have. @returns a token */
export async function acceptInvitation(
  client: PlatformClient,
  { token }: OnceLink,
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
