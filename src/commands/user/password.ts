import { command } from "../command.ts";
import { say } from "../output.ts";
import { askHidden, askNewPassword } from "../prompt.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "password",
  description: "Change your own password; your other sessions end",
  args: { ...sessionArgs },
  async run({ args }) {
    const { people } = await openSession(args);
    const currentPassword = await askHidden("Current password: ");
    await people.changePassword({ currentPassword, newPassword: await askNewPassword() });
    say("Your password is changed, and your other sessions are over.");
  },
});
