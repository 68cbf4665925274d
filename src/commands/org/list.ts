import { command } from "../command.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "list",
  description: "List the organisations that you belong to",
  args: { ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const organisations = await (await openSession(args)).people.organisations();
    if (args.json) return printJson(organisations);
    printTable(
      ["NAME", "ROLE", "CURRENT", "ID"],
      organisations.map(({ name, role, current, id }) => [name, role.name, current ? "yes" : "", id]),
    );
  },
});
