import { authMethodLines } from "../agent/auth-method-text.ts";
import { command } from "../command.ts";
import { printConditions, statusWord } from "../health.ts";
import { namedArg } from "../named.ts";
import { printJson, printLine } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { untilHealthy, waitArgs, waitSeconds } from "../wait.ts";
import { awaitedRelay, findRelay } from "./find.ts";

export default command({
  name: "show",
  description: "Show a relay: where it is, its health and why",
  args: {
    relay: namedArg("relay"),
    check: { type: "boolean", description: "Have the platform look at its ports now" },
    ...waitArgs,
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const seconds = waitSeconds(args);
    const client = await openSession(args);
    const found = await findRelay(client, args.relay);
    if (args.wait) await untilHealthy(awaitedRelay(client, found), seconds);
    const relay = args.check ? await client.relays.check(found.id) : await client.relays.get(found.id);
    if (args.json) return printJson(relay);
    const { id, name, host, sshPort = 2222, tlsPort = 8443, orgId, heartbeat, createdAt } = relay;
    printLine(`Name       ${name}${orgId ? "" : " (shared by all organisations)"}`);
    printLine(`Id         ${id}`);
    printLine(`Host       ${host}, gateways on ${sshPort}, clients on ${tlsPort}`);
    printLine(`Created    ${createdAt ?? "unknown"}`);
    printLine(`Last seen  ${heartbeat ?? "never"}`);
    if (relay.autoSelect === false) printLine("Chosen     only by gateways that name it");
    for (const line of authMethodLines(relay.authMethod)) printLine(line);
    if (!relay.health) return;
    printLine(`Health     ${statusWord(relay.health)}`);
    printConditions(relay.health);
  },
});
