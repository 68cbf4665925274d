import { command } from "../command.ts";
import { printJson, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { personArg } from "./person.ts";

export default command({
  name: "role",
  description: "Give a person another role; what only the old one allowed is cut at once",
  args: {
    person: personArg,
    role: {
      type: "positional",
      required: true,
      description: "admin, member, no-access or a role of your own",
      valueHint: "role",
    },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const member = await (await openSession(args)).people.changeMember(args.person, args.role);
    if (args.json) return printJson(member);
    say(`${member.email} has the role ${member.role.name} now.`);
  },
});
