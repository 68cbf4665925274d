import { command } from "../command.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { deployment } from "./deploy.ts";
import { findRelay, relayArg } from "./find.ts";

export default command({
  name: "deploy-command",
  description: "Print the command that deploys a relay, with a new enrollment token where it logs in by one",
  args: {
    relay: relayArg,
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const client = await openSession(args);
    const relay = await client.relays.get((await findRelay(client, args.relay)).id);
    const deploy = await deployment(client, relay);
    if (args.json) return printJson({ id: relay.id, name: relay.name, ...deploy });
    const until = deploy.expiresAt === undefined ? "" : `, until ${deploy.expiresAt}`;
    say(`On ${relay.host}${until}, run:`);
    printLine(deploy.command);
  },
});
