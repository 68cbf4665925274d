import { command } from "../command.ts";
import { namedArg } from "../named.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { findRelay } from "./find.ts";

export default command({
  name: "drain",
  description: "Ask a relay to stop: its gateways move first, open connections get their time to end",
  args: { relay: namedArg("relay"), ...sessionArgs },
  async run({ args }) {
    const client = await openSession(args);
    const { id, name } = await findRelay(client, args.relay);
    await client.relays.drain(id);
    say(`Asked the relay ${name} to drain; its process ends by itself.`);
  },
});
