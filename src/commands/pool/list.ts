import { command } from "../command.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "list",
  description: "List the organisation's pools of gateways",
  args: { ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const pools = await (await openSession(args)).pools.list();
    if (args.json) return printJson(pools);
    printTable(
      ["NAME", "HEALTHY", "RESOURCES", "ID"],
      pools.map(({ name, memberCount, healthyMemberCount, connectedResourcesCount, id }) => [
        name,
        `${healthyMemberCount}/${memberCount}`,
        String(connectedResourcesCount),
        id,
      ]),
    );
  },
});
