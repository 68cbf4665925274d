import { command } from "../command.ts";
import { nextCommand } from "../next-command.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { identityFieldArgs, identityFields } from "./flags.ts";

export default command({
  name: "create",
  description: "Create a machine identity",
  args: {
    name: {
      type: "positional",
      required: true,
      description: "Name of the machine identity",
      valueHint: "name",
    },
    ...identityFieldArgs,
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const client = await openSession(args);
    const identity = await client.identities.create({ name: args.name, ...identityFields(args) });
    if (args.json) return printJson(identity);
    say(
      `Created the machine identity ${identity.name} with the role ${identity.roleName ?? identity.role}; its client id is ${identity.clientId}. Give it a secret:`,
    );
    printLine(nextCommand("identity", "secret", "create", identity.name));
  },
});
