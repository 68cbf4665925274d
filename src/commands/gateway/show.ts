import { gatewayStatus } from "../../gateway/reachability.ts";
import { command } from "../command.ts";
import { printJson, printLine, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { findGateway, gatewayArg } from "./find.ts";

export default command({
  name: "show",
  description: "Show a gateway: its health and why, its tunnels",
  args: { gateway: gatewayArg, ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const client = await openSession(args);
    const gateway = await client.getGateway((await findGateway(client, args.gateway)).id);
    if (args.json) return printJson(gateway);
    const { id, name, heartbeat, createdAt, health } = gateway;
    printLine(`Name       ${name}`);
    printLine(`Id         ${id}`);
    printLine(`Created    ${createdAt ?? "unknown"}`);
    printLine(`Last seen  ${heartbeat ?? "never"}`);
    printLine(`Health     ${gatewayStatus(gateway, new Date())}`);
    if (health?.cause) printLine(`           ${health.cause.text} ${health.cause.fix}`);
    if (!health || health.tunnels.length === 0) return;
    printLine("");
    printTable(
      ["RELAY", "TUNNEL", "SINCE"],
      health.tunnels.map(({ relayName, state, since }) => [relayName, state, since ?? ""]),
    );
  },
});
