import { serviceArg } from "../agent/deployment.ts";
import { command } from "../command.ts";
import { namedArg } from "../named.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { deployRelay } from "./deploy.ts";
import { findRelay } from "./find.ts";

export default command({
  name: "deploy-command",
  description: "Print the command that deploys a relay, with a new enrollment token where it logs in by one",
  args: {
    relay: namedArg("relay"),
    ...serviceArg,
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const client = await openSession(args);
    const relay = await client.relays.get((await findRelay(client, args.relay)).id);
    const deploy = await deployRelay(client, relay);
    if (args.json) return printJson({ id: relay.id, name: relay.name, ...deploy });
    const until = deploy.expiresAt === undefined ? "" : `, until ${deploy.expiresAt}`;
    say(`On ${relay.host}${until}, run:`);
    printLine(args.service ? deploy.serviceCommand : deploy.command);
  },
});
