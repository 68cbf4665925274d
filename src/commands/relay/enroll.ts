import { requireEnrolled } from "../../relay/enrolled.ts";
import { knownRelay } from "../../relay/known-relay.ts";
import { enrolMachine, relayMachineLogin } from "../../relay/machine-login.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { nextCommand } from "../next-command.ts";
import { printLine, say } from "../output.ts";
import { identityArgs, identityFlags, listenArgs } from "./flags.ts";
import { relayRequest } from "./request.ts";

export default command({
  name: "enroll",
  description:
    "Enroll the relay, by a token, AWS or Kubernetes, and keep what it logs in with on this machine",
  args: { ...identityArgs, ...listenArgs },
  async run({ args }) {
    const request = await relayRequest("enroll", args, identityFlags(args));
    if (request.identity) {
      throw new SallyportError(
        "USAGE",
        'A machine identity needs no enrollment: run "sallyport relay start" with it.',
      );
    }
    const relay = await knownRelay(request);
    const login = relayMachineLogin(relay);
    const next = nextCommand("relay", "start", relay.name);
    if (login) {
      await enrolMachine(relay, login);
      say(`Logged the relay ${relay.name} in by ${login.method}; ${relay.confPath} says how. Start it with:`);
      return printLine(next);
    }
    if (relay.token === undefined) {
      throw new SallyportError(
        "USAGE",
        "Give the enrollment token with --token, --token-file, or - for stdin.",
      );
    }
    const { enrolledNow } = await requireEnrolled(relay);
    say(
      enrolledNow
        ? `Enrolled the relay ${relay.name}; its credentials are in ${relay.confPath}. Start it with:`
        : `The relay ${relay.name} was already enrolled with this token. Start it with:`,
    );
    printLine(next);
  },
});
