import { command } from "../command.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "list",
  description: "List the roles of your organisation",
  args: { ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const roles = await (await openSession(args)).people.roles();
    if (args.json) return printJson(roles);
    printTable(
      ["NAME", "RIGHTS", "BUILT IN", "ID"],
      roles.map(({ name, rights, builtIn, id }) => [
        name,
        String(rights.length),
        builtIn ? "yes" : "",
        builtIn ? "" : id,
      ]),
    );
  },
});
