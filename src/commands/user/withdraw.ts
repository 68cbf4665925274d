import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "withdraw",
  description: "Make an invitation's link worthless",
  args: {
    invitation: {
      type: "positional",
      required: true,
      description: "E-mail address or id of the invitation",
      valueHint: "address",
    },
    ...sessionArgs,
  },
  async run({ args }) {
    const { people } = await openSession(args);
    const found = (await people.invitations()).find(
      ({ id, email }) => id === args.invitation || email === args.invitation.toLowerCase(),
    );
    if (!found) {
      throw new SallyportError("NOT_FOUND", 'There is no such invitation: see "sallyport user invitations".');
    }
    await people.withdrawInvitation(found.id);
    say(`The invitation of ${found.email} is worthless.`);
  },
});
