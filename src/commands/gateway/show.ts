import { gatewayStatus } from "../../gateway/reachability.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { authMethodLines } from "../agent/auth-method-text.ts";
import { command } from "../command.ts";
import { printConditions } from "../health.ts";
import { namedArg } from "../named.ts";
import { printJson, printLine, printTable, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { untilHealthy, waitArgs, waitSeconds } from "../wait.ts";
import { awaitedGateway, findGateway } from "./find.ts";

export default command({
  name: "show",
  description: "Show a gateway: how it logs in, its health and why, its tunnels",
  args: {
    gateway: namedArg("gateway"),
    check: { type: "boolean", description: "Have the platform look now, through every tunnel" },
    ...waitArgs,
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const seconds = waitSeconds(args);
    const client = await openSession(args);
    const known = await findGateway(client, args.gateway);
    const gatewayId = known.id;
    if (args.wait) await untilHealthy(awaitedGateway(client, known), seconds);
    if (args.check) await client.gateways.check(gatewayId).catch(sayWhatWasFound);
    const gateway = await client.gateways.get(gatewayId);
    if (args.json) return printJson(gateway);
    const { id, name, heartbeat, createdAt, health } = gateway;
    printLine(`Name       ${name}`);
    printLine(`Id         ${id}`);
    printLine(`Created    ${createdAt ?? "unknown"}`);
    printLine(`Last seen  ${heartbeat ?? "never"}`);
    for (const line of authMethodLines(gateway.authMethod)) printLine(line);
    printLine(`Health     ${gatewayStatus(gateway, new Date())}`);
    if (!health) return;
    printConditions(health);
    if (health.tunnels.length === 0) return;
    printLine("");
    printTable(
      ["RELAY", "TUNNEL", "SINCE"],
      health.tunnels.map(({ relayName, state, since }) => [relayName, state, since ?? ""]),
    );
  },
});

/** Nobody looked, so there is nothing to show. */
const NOT_LOOKED = new Set([
  "UNAUTHENTICATED",
  "FORBIDDEN",
  "NOT_FOUND",
  "RATE_LIMITED",
  "RESOURCE_SHORTAGE",
  "PLATFORM_UNREACHABLE",
]);

/** What a look finds is no failure of who asked for it. */
function sayWhatWasFound(error: unknown): void {
  if (!(error instanceof SallyportError) || NOT_LOOKED.has(error.code)) throw error;
  say(error.message);
}
