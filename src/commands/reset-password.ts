import { readSecretFile } from "../host/environment.ts";
import type { PlatformClient } from "../platform-client/client.ts";
import type { OnceLink } from "./link.ts";
import { say } from "./output.ts";
import { askNewPassword } from "./prompt.ts";

/** Chooses a new password by a link, and logs in with it. @returns a token */
export async function resetPassword(
  client: PlatformClient,
  { token }: OnceLink,
  passwordFile: string | undefined,
): Promise<string> {
  const password =
    passwordFile === undefined
      ? await askNewPassword("give your new password with --password-file")
      : await readSecretFile(passwordFile);
  const { email } = await client.people.resetPassword({ token, password });
  say(
    `The password of ${email} is changed, and every session of theirs is over. API tokens go on: see "sallyport token list".`,
  );
  return (await client.session.login(email, password)).accessToken;
}
