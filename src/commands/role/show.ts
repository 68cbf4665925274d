import { command } from "../command.ts";
import { printJson, printLine } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { roleArg } from "./flags.ts";

export default command({
  name: "show",
  description: "Print the rights of a role, one on a line",
  args: { role: roleArg, ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const role = await (await openSession(args)).people.role(args.role);
    if (args.json) return printJson(role);
    for (const right of role.rights) printLine(right);
  },
});
