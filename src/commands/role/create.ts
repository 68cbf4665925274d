import { command } from "../command.ts";
import { printJson, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { rightArg } from "./flags.ts";

export default command({
  name: "create",
  description: "Create a role from rights that you have yourself",
  args: {
    role: { type: "positional", required: true, description: "Its name", valueHint: "name" },
    right: rightArg,
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args, repeated }) {
    const client = await openSession(args);
    const made = await client.people.createRole({ name: args.role, rights: repeated("right") });
    if (args.json) return printJson(made);
    say(`Created the role ${made.name}. Give it to somebody with: sallyport user role <person> ${made.name}`);
  },
});
