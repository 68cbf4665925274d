import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { destinationArg } from "./flags.ts";

export default command({
  name: "delete",
  description: "Send no more alerts to a destination, those on their way included",
  args: { destination: destinationArg, ...sessionArgs },
  async run({ args }) {
    const client = await openSession(args);
    await client.alerts.delete(args.destination);
    say(`No alerts go to ${args.destination} any more.`);
  },
});
