import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { printLine, say } from "../output.ts";
import { enrollmentToken, knownRelay, requireEnrolled } from "./enrolled.ts";
import { identityArgs, identityFlags, listenArgs } from "./flags.ts";

export default command({
  name: "enroll",
  description: "Exchange an enrollment token and keep the relay's credentials on this machine",
  args: { ...identityArgs, ...listenArgs },
  async run({ args }) {
    const { env } = process;
    const token = await enrollmentToken(args, env);
    const relay = await knownRelay(args, identityFlags(args), env);
    if (token === undefined) {
      throw new SallyportError(
        "USAGE",
        "Give the enrollment token with --token, --token-file, or - for stdin.",
      );
    }
    const { enrolledNow } = await requireEnrolled(relay, token, env);
    say(
      enrolledNow
        ? `Enrolled the relay ${relay.name}; its credentials are in ${relay.confPath}. Start it with:`
        : `The relay ${relay.name} was already enrolled with this token. Start it with:`,
    );
    printLine(`sallyport relay start ${relay.name}`);
  },
});
