import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { findRelay, relayArg } from "./find.ts";

export default command({
  name: "delete",
  description: "Delete a relay from the platform; it stops serving at once",
  args: { relay: relayArg, ...sessionArgs },
  async run({ args }) {
    const client = await openSession(args);
    const { id, name } = await findRelay(client, args.relay);
    await client.relays.delete(id);
    say(`Deleted the relay ${name}.`);
  },
});
