import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { findRelay, relayArg } from "./find.ts";

export default command({
  name: "revoke",
  description: "End a relay's access: it stops serving at once, its tokens are worthless",
  args: { relay: relayArg, ...sessionArgs },
  async run({ args }) {
    const client = await openSession(args);
    const { id, name } = await findRelay(client, args.relay);
    const method = await client.relays.revoke(id);
    say(
      method === "token"
        ? `Revoked the relay ${name}. To use it again: sallyport relay deploy-command ${name}`
        : `Revoked the relay ${name}. It logs in by ${method} and may do so again: to keep it out, change who is allowed with "sallyport relay auth-method ${name}", or delete it.`,
    );
  },
});
