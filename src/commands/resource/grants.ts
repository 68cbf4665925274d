import { command } from "../command.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { resourceArg } from "./grantee.ts";

export default command({
  name: "grants",
  description: "List who may reach a resource, besides administrators",
  args: { resource: resourceArg, ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const grants = await (await openSession(args)).listGrants(args.resource);
    if (args.json) return printJson(grants);
    printTable(
      ["PERSON", "UNTIL", "LAST USED", "ID"],
      grants.map(({ email, endsAt, lastUsedAt, id }) => [
        email,
        endsAt ?? "taken back",
        lastUsedAt ?? "never",
        id,
      ]),
    );
  },
});
