import { command } from "../command.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "list",
  description: "List the people of your organisation",
  args: { ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const members = await (await openSession(args)).people.members();
    if (args.json) return printJson(members);
    printTable(
      ["E-MAIL", "NAME", "ROLE", "SINCE", "ID"],
      members.map(({ email, name, role, joinedAt, id }) => [
        email,
        name ?? "",
        role.name,
        joinedAt ?? "",
        id,
      ]),
    );
  },
});
