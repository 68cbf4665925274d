import { gatewayStatus } from "../../gateway/reachability.ts";
import { command } from "../command.ts";
import { listLocal } from "../local/list.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "list",
  description: "List the gateways of your organisation",
  args: {
    ...sessionArgs,
    local: { type: "boolean", description: "Those of this machine instead, running or not" },
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    if (args.local) return listLocal("gateway", args.json ?? false);
    const client = await openSession(args);
    const now = new Date();
    const gateways = (await client.gateways.list()).map((gateway) => ({
      ...gateway,
      status: gatewayStatus(gateway, now),
    }));
    if (args.json) return printJson(gateways);
    printTable(
      ["NAME", "STATUS", "WHY", "LAST SEEN", "ID"],
      gateways.map(({ name, status, health, heartbeat, id }) => [
        name,
        status,
        health?.cause?.code ?? "",
        heartbeat ?? "never",
        id,
      ]),
    );
  },
});
