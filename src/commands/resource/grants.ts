import { command } from "../command.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { granteeName, resourceArg } from "./grantee.ts";

export default command({
  name: "grants",
  description: "List who may reach a resource, besides administrators",
  args: { resource: resourceArg, ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const grants = await (await openSession(args)).grants.list(args.resource);
    if (args.json) return printJson(grants);
    printTable(
      ["WHO", "UNTIL", "LAST USED", "ID"],
      grants.map((grant) => [
        granteeName(grant),
        grant.endsAt ?? "taken back",
        grant.lastUsedAt ?? "never",
        grant.id,
      ]),
    );
  },
});
