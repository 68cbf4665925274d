import { command } from "../command.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "list",
  description: "List the relays that your organisation can use",
  args: { ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const client = await openSession(args);
    const relays = await client.listRelays();
    if (args.json) return printJson(relays);
    printTable(
      ["NAME", "HOST", "SHARED", "LAST SEEN", "ID"],
      relays.map(({ name, host, orgId, heartbeat, id }) => [
        name,
        host,
        orgId ? "no" : "yes",
        heartbeat ?? "never",
        id,
      ]),
    );
  },
});
