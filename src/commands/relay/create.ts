import { requireRelayName } from "../../host/names.ts";
import { command } from "../command.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { untilHealthy, waitArgs, waitSeconds } from "../wait.ts";
import { deployCommand } from "./deploy.ts";
import { awaitedRelay } from "./find.ts";

export default command({
  name: "create",
  description: "Create a relay on the platform and print the command that deploys it",
  args: {
    relay: { type: "positional", required: true, description: "Name of the new relay", valueHint: "name" },
    host: {
      type: "string",
      required: true,
      description: "Name or address that gateways and clients dial",
      valueHint: "host",
    },
    ...waitArgs,
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const name = requireRelayName(args.relay);
    const seconds = waitSeconds(args);
    const client = await openSession(args);
    const relay = await client.createRelay({ name, host: args.host });
    const { token, expiresAt } = await client.generateRelayToken(relay.id);
    const start = deployCommand(name, token, client.domain);
    if (args.json) printJson({ ...relay, token, expiresAt, command: start });
    else {
      say(`Created the relay ${name} (${relay.id}). On ${args.host}, until ${expiresAt}, run:`);
      printLine(start);
    }
    if (args.wait) await untilHealthy(awaitedRelay(client, relay), seconds);
  },
});
