import { command } from "../command.ts";
import { endArgs, endOf } from "../end-time.ts";
import { printJson, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { granteeArgs, granteeName, granteeOf, resourceArg } from "./grantee.ts";

export default command({
  name: "grant",
  description: "Let a person or a machine identity reach a resource, for a time or until it is taken back",
  args: {
    resource: resourceArg,
    ...granteeArgs,
    ...endArgs,
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const endsAt = endOf(args);
    const client = await openSession(args);
    const grant = await client.grants.create(args.resource, {
      ...granteeOf(args),
      ...(endsAt && { endsAt: endsAt.toISOString() }),
    });
    if (args.json) return printJson(grant);
    say(
      `${granteeName(grant)} may reach ${args.resource} ${grant.endsAt ? `until ${grant.endsAt}` : "until it is taken back"}.`,
    );
  },
});
