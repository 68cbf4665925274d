import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { tokensOf, whoseArgs } from "./whose.ts";

export default command({
  name: "revoke",
  description: "Make an API token, or a session, worthless: yours unless told",
  args: {
    token: { type: "positional", required: true, description: "Its name or id", valueHint: "name" },
    ...whoseArgs,
    ...sessionArgs,
  },
  async run({ args }) {
    const client = await openSession(args);
    const tokens = await tokensOf(client, args.of);
    const named = tokens.filter(({ name, kind }) => name === args.token && kind === "token");
    const found = tokens.find(({ id }) => id === args.token) ?? named[0];
    if (!found) throw new SallyportError("NOT_FOUND", 'There is no such token: see "sallyport token list".');
    if (found.id !== args.token && named.length > 1) {
      throw new SallyportError("USAGE", `There are ${named.length} tokens of that name: give the id of one.`);
    }
    if (args.of === undefined) await client.people.revokeToken(found.id);
    else await client.people.revokeTokenOf(args.of, found.id);
    say(`The token ${found.name} is worthless.`);
  },
});
