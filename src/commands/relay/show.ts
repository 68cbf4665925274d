import { command } from "../command.ts";
import { printJson, printLine } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { findRelay, relayArg } from "./find.ts";

export default command({
  name: "show",
  description: "Show a relay: where it is and when it was seen last",
  args: { relay: relayArg, ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const relay = await findRelay(await openSession(args), args.relay);
    if (args.json) return printJson(relay);
    const { id, name, host, sshPort = 2222, tlsPort = 8443, orgId, heartbeat, createdAt } = relay;
    printLine(`Name       ${name}${orgId ? "" : " (shared by all organisations)"}`);
    printLine(`Id         ${id}`);
    printLine(`Host       ${host}, gateways on ${sshPort}, clients on ${tlsPort}`);
    printLine(`Created    ${createdAt ?? "unknown"}`);
    printLine(`Last seen  ${heartbeat ?? "never"}`);
  },
});
