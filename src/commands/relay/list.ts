import { command } from "../command.ts";
import { statusWord } from "../health.ts";
import { listLocal } from "../local/list.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "list",
  description: "List the relays that your organisation can use",
  args: {
    ...sessionArgs,
    local: { type: "boolean", description: "Those of this machine instead, running or not" },
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    if (args.local) return listLocal("relay", args.json ?? false);
    const client = await openSession(args);
    const relays = await client.relays.list();
    if (args.json) return printJson(relays);
    printTable(
      ["NAME", "STATUS", "WHY", "HOST", "MANAGED", "LAST SEEN", "ID"],
      relays.map(({ name, host, orgId, heartbeat, health, id }) => [
        name,
        health ? statusWord(health) : "",
        health?.cause?.code ?? "",
        host,
        orgId ? "no" : "yes",
        heartbeat ?? "never",
        id,
      ]),
    );
  },
});
