import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { granteeArgs, granteeName, granteeOf, resourceArg } from "./grantee.ts";

export default command({
  name: "ungrant",
  description: "Take a grant back; what was opened with it is cut at once",
  args: { resource: resourceArg, ...granteeArgs, ...sessionArgs },
  async run({ args }) {
    const client = await openSession(args);
    const grant = await client.grants.delete(args.resource, granteeOf(args));
    say(`${granteeName(grant)} may no longer reach ${args.resource}.`);
  },
});
