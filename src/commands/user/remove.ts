import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { personArg } from "./person.ts";

export default command({
  name: "remove",
  description: "Remove a person from your organisation; their tokens end and what they have open is cut",
  args: { person: personArg, ...sessionArgs },
  async run({ args }) {
    const { email } = await (await openSession(args)).people.removeMember(args.person);
    say(`Removed ${email}.`);
  },
});
