import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { printLine, say } from "../output.ts";
import { enrollmentToken, knownRelay, requireEnrolled } from "./enrolled.ts";
import { identityArgs, identityFlags, listenArgs } from "./flags.ts";
import { enrolMachine, relayMachineLogin } from "./machine.ts";

export default command({
  name: "enroll",
  description:
    "Enroll the relay, by a token, AWS or Kubernetes, and keep what it logs in with on this machine",
  args: { ...identityArgs, ...listenArgs },
  async run({ args }) {
    const { env } = process;
    const token = await enrollmentToken(args, env);
    const relay = await knownRelay(args, identityFlags(args), env);
    const login = relayMachineLogin(args, token === undefined ? {} : { token }, relay, env);
    if (login) {
      await enrolMachine(relay, login, env);
      say(`Logged the relay ${relay.name} in by ${login.method}; ${relay.confPath} says how. Start it with:`);
      return printLine(`sallyport relay start ${relay.name}`);
    }
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
