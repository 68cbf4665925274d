import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { parseDuration } from "../duration.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { personArg } from "./person.ts";

export default command({
  name: "reset-password",
  description: "Make a link with which a person chooses a new password; no e-mail is sent",
  args: {
    person: personArg,
    "valid-for": {
      type: "string",
      default: "24h",
      description: "How long the link can be used, 1h to 3d",
      valueHint: "time",
    },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const validForHours = parseDuration(args["valid-for"], "--valid-for") / 3600;
    if (!Number.isInteger(validForHours) || validForHours < 1 || validForHours > 72) {
      throw new SallyportError("USAGE", "--valid-for has to be whole hours or days, 1h to 3d.");
    }
    const made = await (await openSession(args)).people.makePasswordReset(args.person, validForHours);
    if (args.json) return printJson(made);
    say(
      `Pass this link on to ${made.email}, and to nobody else: who has it can log in as them. It works once, until ${made.expiresAt}, with "sallyport login --password-reset":`,
    );
    printLine(made.link);
  },
});
