import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { granteeOf, resourceArg } from "./grantee.ts";

export default command({
  name: "revoke",
  description: "Cut what people have open to a resource now; grants stay as they are",
  args: {
    resource: resourceArg,
    person: {
      type: "string",
      description: "Only this person's connections: an e-mail address or a user id",
      valueHint: "person",
    },
    identity: {
      type: "string",
      description: "Only this machine identity's connections: its name or id",
      valueHint: "name",
    },
    ...sessionArgs,
  },
  async run({ args }) {
    const client = await openSession(args);
    const everybody = args.person === undefined && args.identity === undefined;
    const whose = everybody ? {} : granteeOf(args);
    const ended = await client.grants.revokeAccess(args.resource, whose);
    say(`Ended ${ended} certificates; the connections that they opened are being cut.`);
  },
});
