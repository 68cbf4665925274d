import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { identityArg } from "./flags.ts";

export default command({
  name: "delete",
  description: "Delete a machine identity; its tokens are worthless and what it has open is cut, at once",
  args: { identity: identityArg, ...sessionArgs },
  async run({ args }) {
    await (await openSession(args)).identities.delete(args.identity);
    say(`Deleted the machine identity ${args.identity}.`);
  },
});
