import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { resourceArg } from "./grantee.ts";

export default command({
  name: "delete",
  description: "Delete a resource; what it points to is left alone",
  args: {
    resource: resourceArg,
    ...sessionArgs,
  },
  async run({ args }) {
    await (await openSession(args)).resources.delete(args.resource);
    say(`Deleted the resource ${args.resource}.`);
  },
});
