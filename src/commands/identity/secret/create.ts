import { SallyportError } from "../../../telemetry/error.ts";
import { command } from "../../command.ts";
import { parseDuration } from "../../duration.ts";
import { printJson, printLine, say } from "../../output.ts";
import { openSession, sessionArgs } from "../../session.ts";
import { identityArg } from "../flags.ts";

export default command({
  name: "create",
  description: "Give a machine identity a client secret; it is shown this once",
  args: {
    identity: identityArg,
    description: { type: "string", description: "What it is for", valueHint: "text" },
    ttl: { type: "string", description: "How long it is good, for example 90d", valueHint: "time" },
    uses: { type: "string", description: "How many logins it is good for", valueHint: "count" },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const { description, ttl, uses } = args;
    const body = {
      ...(description !== undefined && { description }),
      ...(ttl !== undefined && { ttl: parseDuration(ttl, "--ttl") }),
      ...(uses !== undefined && { numUsesLimit: useCount(uses) }),
    };
    const made = await (await openSession(args)).identities.createSecret(args.identity, body);
    if (args.json) return printJson(made);
    say(`The client id is ${made.clientId}. The client secret, shown this once:`);
    printLine(made.clientSecret);
  },
});

function useCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new SallyportError("USAGE", "--uses has to be a number from 1 to 999999.");
}
