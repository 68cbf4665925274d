import { command } from "../command.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { tokensOf, whoseArgs } from "./whose.ts";

export default command({
  name: "list",
  description: "List API tokens and sessions in this organisation, yours unless told",
  args: { ...whoseArgs, ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const tokens = await tokensOf(await openSession(args), args.of);
    if (args.json) return printJson(tokens);
    printTable(
      ["NAME", "KIND", "CREATED", "LAST USED", "UNTIL", "ID"],
      tokens.map(({ name, kind, createdAt, lastUsedAt, expiresAt, id, current }) => [
        current ? `${name} (this one)` : name,
        kind,
        createdAt ?? "",
        lastUsedAt ?? "never",
        expiresAt ?? "revoked",
        id,
      ]),
    );
  },
});
