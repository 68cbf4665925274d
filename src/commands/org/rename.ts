import { command } from "../command.ts";
import { printJson, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "rename",
  description: "Rename the organisation that you are in",
  args: {
    name: { type: "positional", required: true, description: "The new name", valueHint: "name" },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const renamed = await (await openSession(args)).people.renameOrganisation(args.name);
    if (args.json) return printJson(renamed);
    say(`The organisation is ${renamed.name} from now on.`);
  },
});
