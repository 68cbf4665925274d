import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { roleArg } from "./flags.ts";

export default command({
  name: "delete",
  description: "Delete a role that nobody has",
  args: { role: roleArg, ...sessionArgs },
  async run({ args }) {
    await (await openSession(args)).people.deleteRole(args.role);
    say(`Deleted the role ${args.role}.`);
  },
});
