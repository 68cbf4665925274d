import { command } from "../command.ts";
import { endArgs, endOf } from "../end-time.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "create",
  description: "Make an API token that can do what you can; it is shown once",
  args: {
    name: { type: "positional", required: true, description: "What it is for", valueHint: "name" },
    ...endArgs,
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const end = endOf(args);
    const client = await openSession(args);
    const made = await client.people.createToken({
      name: args.name,
      ...(end && { expiresAt: end.toISOString() }),
    });
    if (args.json) return printJson(made);
    say(`Keep this token: it is not shown again. It counts until ${made.expiresAt ?? "it is revoked"}.`);
    printLine(made.token);
  },
});
