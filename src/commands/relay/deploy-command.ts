import { command } from "../command.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { deployCommand } from "./deploy.ts";
import { findRelay, relayArg } from "./find.ts";

export default command({
  name: "deploy-command",
  description: "Make a new enrollment token for a relay and print the command that uses it",
  args: {
    relay: relayArg,
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const client = await openSession(args);
    const relay = await findRelay(client, args.relay);
    const { token, expiresAt } = await client.generateRelayToken(relay.id);
    const start = deployCommand(relay.name, token, client.domain);
    if (args.json) return printJson({ id: relay.id, name: relay.name, token, expiresAt, command: start });
    say(`On ${relay.host}, until ${expiresAt}, run:`);
    printLine(start);
  },
});
