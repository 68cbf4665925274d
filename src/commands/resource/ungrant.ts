import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { granteeOf, personArg, resourceArg } from "./grantee.ts";

export default command({
  name: "ungrant",
  description: "Take a person's grant back; what they have open to the resource is cut at once",
  args: { resource: resourceArg, person: personArg, ...sessionArgs },
  async run({ args }) {
    const client = await openSession(args);
    const grant = await client.ungrantResource(args.resource, granteeOf(args.person));
    say(`${grant.email} may no longer reach ${args.resource}.`);
  },
});
