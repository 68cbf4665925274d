import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { deployCommand } from "./deploy.ts";

export default command({
  name: "deploy-command",
  description: "Make a new enrollment token for a relay and print the command that uses it",
  args: {
    relay: { type: "positional", required: true, description: "Name or id of the relay", valueHint: "name" },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const client = await openSession(args);
    const relays = await client.listRelays();
    const relay = relays.find(({ id, name, orgId }) => id === args.relay || (name === args.relay && orgId));
    if (!relay) {
      throw new SallyportError(
        "NOT_FOUND",
        `Your organisation has no relay ${JSON.stringify(args.relay)}: see "sallyport relay list".`,
      );
    }
    const { token, expiresAt } = await client.generateRelayToken(relay.id);
    const start = deployCommand(relay.name, token, client.domain);
    if (args.json) return printJson({ id: relay.id, name: relay.name, token, expiresAt, command: start });
    say(`On ${relay.host}, until ${expiresAt}, run:`);
    printLine(start);
  },
});
