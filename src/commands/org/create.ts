import { command } from "../command.ts";
import { printJson, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "create",
  description: "Create an organisation, as an administrator of the whole platform; you administer it too",
  args: {
    organisation: { type: "positional", required: true, description: "Its name", valueHint: "name" },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const made = await (await openSession(args)).people.createOrganisation(args.organisation);
    if (args.json) return printJson(made);
    say(
      `Created the organisation ${made.name}. Go there with: sallyport org switch ${JSON.stringify(made.name)}`,
    );
  },
});
