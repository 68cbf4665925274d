import { openPlatform } from "../client/open-platform.ts";
import { setting } from "../host/environment.ts";
import { deleteProfile, type Profile, readProfile } from "../platform-client/profile.ts";
import { SallyportError } from "../telemetry/error.ts";
import { command } from "./command.ts";
import { say } from "./output.ts";
import { sessionArgs } from "./session.ts";

export default command({
  name: "logout",
  description: "End the login of this machine; an API token that was given by file stays good",
  args: { "ca-file": sessionArgs["ca-file"] },
  async run({ args }) {
    const profile = await readProfile();
    if (!profile) return say("Nobody is logged in here.");
    // First the file: whatever the platform says, this machine forgets the token.
    await deleteProfile();
    await endAtPlatform(profile, args["ca-file"] || setting(process.env, "CA_FILE"));
    say(`Logged out of ${profile.domain}.`);
  },
});

/** A platform that is away, or that knows the token no longer, does not stop anybody from leaving. */
async function endAtPlatform(profile: Profile, caFile: string | undefined): Promise<void> {
  const { domain, token } = profile;
  const client = openPlatform({ domain, caFile, insecureHttp: true }, process.env, () => token);
  try {
    await client.session.logout();
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    if (error.code === "UNAUTHENTICATED") return;
    say(`The platform was not told: ${error.message} The login ends by itself within 12 hours.`);
  }
}
