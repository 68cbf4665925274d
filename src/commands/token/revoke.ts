import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "revoke",
  description: "Make one of your API tokens, or a session, worthless",
  args: {
    token: { type: "positional", required: true, description: "Its name or id", valueHint: "name" },
    ...sessionArgs,
  },
  async run({ args }) {
    const { people } = await openSession(args);
    const tokens = await people.tokens();
    const named = tokens.filter(({ name, kind }) => name === args.token && kind === "token");
    const found = tokens.find(({ id }) => id === args.token) ?? named[0];
    if (!found) throw new SallyportError("NOT_FOUND", 'You have no such token: see "sallyport token list".');
    if (found.id !== args.token && named.length > 1) {
      throw new SallyportError("USAGE", `You have ${named.length} tokens of that name: give the id of one.`);
    }
    await people.revokeToken(found.id);
    say(`The token ${found.name} is worthless.`);
  },
});
