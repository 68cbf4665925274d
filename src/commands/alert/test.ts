import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { destinationArg } from "./flags.ts";

export default command({
  name: "test",
  description: "Send a test to a destination now, and say whether it arrived",
  args: { destination: destinationArg, ...sessionArgs },
  async run({ args }) {
    const client = await openSession(args);
    await client.alerts.test(args.destination);
    say(`The test has arrived at ${args.destination}.`);
  },
});
