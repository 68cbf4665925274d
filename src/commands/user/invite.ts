import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { parseDuration } from "../duration.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "invite",
  description: "Make a link with which a person joins your organisation; no e-mail is sent",
  args: {
    email: { type: "positional", required: true, description: "Whose link it is", valueHint: "address" },
    role: {
      type: "string",
      default: "member",
      description: "What they may do: admin, member, no-access or a role of your own",
      valueHint: "role",
    },
    "valid-for": {
      type: "string",
      default: "7d",
      description: "How long the link can be used, 1h to 30d",
      valueHint: "time",
    },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const validForHours = parseDuration(args["valid-for"], "--valid-for") / 3600;
    if (!Number.isInteger(validForHours) || validForHours < 1 || validForHours > 720) {
      throw new SallyportError("USAGE", "--valid-for has to be whole hours or days, 1h to 30d.");
    }
    const client = await openSession(args);
    const made = await client.people.invite({ email: args.email, role: args.role, validForHours });
    if (args.json) return printJson(made);
    say(`Pass this link on to ${made.email}, and to nobody else. It works once, until ${made.expiresAt}:`);
    printLine(made.link);
  },
});
