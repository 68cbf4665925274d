import { environmentFetch } from "../client/environment-fetch.ts";
import { chooseDomain } from "../host/domain.ts";
import { readSecretFile, setting } from "../host/environment.ts";
import { PlatformClient } from "../platform-client/client.ts";
import { profilePath, readProfile, writeProfile } from "../platform-client/profile.ts";
import { SallyportError } from "../telemetry/error.ts";
import { command } from "./command.ts";
import { say } from "./output.ts";
import { ask, askHidden } from "./prompt.ts";
import { sessionArgs } from "./session.ts";

export default command({
  name: "login",
  description: "Log in to a platform on this machine",
  args: {
    ...sessionArgs,
    "token-file": {
      type: "string",
      description: "File with an API token, - for stdin; without it you are asked for address and password",
      valueHint: "file",
    },
  },
  async run({ args }) {
    const { env } = process;
    const domain = chooseDomain({ flag: args.domain, profile: (await readProfile())?.domain, env });
    if (domain === undefined) {
      throw new SallyportError(
        "USAGE",
        "Name the platform, for example --domain https://sallyport.example.com.",
      );
    }
    const caFile = args["ca-file"] || setting(env, "CA_FILE");
    const connection = {
      domain,
      insecureHttp: args["insecure-http"] ?? false,
      fetch: environmentFetch(env, caFile),
      ...(caFile ? { caFile } : {}),
    };
    const client = new PlatformClient(connection);
    const token = args["token-file"] ? await readSecretFile(args["token-file"]) : await askForToken(client);
    const { user, organisation } = await new PlatformClient({ ...connection, token: () => token }).who();
    await writeProfile({ domain: client.domain, token });
    say(
      `Logged in to ${client.domain} as ${user.email}, organisation ${organisation.name} (${profilePath()}).`,
    );
  },
});

async function askForToken(client: PlatformClient): Promise<string> {
  const email = await ask(`E-mail address at ${client.domain}: `);
  const password = await askHidden("Password: ");
  return (await client.login(email.trim(), password)).accessToken;
}
