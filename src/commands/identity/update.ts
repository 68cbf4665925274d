import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { printJson, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { identityArg, identityFieldArgs, identityFields } from "./flags.ts";

export default command({
  name: "update",
  description: "Change a machine identity; a new role counts at once",
  args: {
    identity: identityArg,
    name: { type: "string", description: "Another name", valueHint: "name" },
    ...identityFieldArgs,
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const fields = { ...(args.name !== undefined && { name: args.name }), ...identityFields(args) };
    if (Object.keys(fields).length === 0) {
      throw new SallyportError(
        "USAGE",
        "Say what to change: --name, --role, --token-ttl or --token-max-ttl.",
      );
    }
    const identity = await (await openSession(args)).identities.update(args.identity, fields);
    if (args.json) return printJson(identity);
    say(`Changed the machine identity ${identity.name}.`);
  },
});
