import { command } from "../command.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "rights",
  description: "List every right that a role can have",
  args: { ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const rights = await (await openSession(args)).people.rights();
    if (args.json) return printJson(rights);
    printTable(
      ["RIGHT", "ALLOWS TO"],
      rights.map(({ name, description }) => [name, description]),
    );
  },
});
