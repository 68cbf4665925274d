import { command } from "../command.ts";
import { printJson, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "switch",
  description: "Go on in another organisation of yours, with the login that you have",
  args: {
    organisation: { type: "positional", required: true, description: "Name or id", valueHint: "name" },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const now = await (await openSession(args)).people.switchOrganisation(args.organisation);
    if (args.json) return printJson(now);
    say(`You are in ${now.name} now.`);
  },
});
