import { command } from "../command.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "list",
  description: "List your API tokens and sessions in this organisation",
  args: { ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const tokens = await (await openSession(args)).people.tokens();
    if (args.json) return printJson(tokens);
    printTable(
      ["NAME", "KIND", "CREATED", "UNTIL", "ID"],
      tokens.map(({ name, kind, createdAt, expiresAt, id, current }) => [
        current ? `${name} (this one)` : name,
        kind,
        createdAt ?? "",
        expiresAt ?? "revoked",
        id,
      ]),
    );
  },
});
