import { enrolFromRequest } from "../../gateway/access.ts";
import { thisMachine } from "../../host/paths.ts";
import { readProfile } from "../../platform-client/profile.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { givenCredentials } from "../identity-flags.ts";
import { nextCommand } from "../next-command.ts";
import { printJson, printLine, say } from "../output.ts";
import { gatewayArgs, gatewayFlags, requiredGatewayName } from "./flags.ts";

export default command({
  name: "enroll",
  description:
    "Enroll the gateway, by a token, AWS or Kubernetes, and keep what it logs in with on this machine",
  args: { ...gatewayArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args, repeated }) {
    const machine = thisMachine();
    const gatewayName = requiredGatewayName("enroll", args, machine.env);
    const flags = gatewayFlags(args, repeated);
    const { token, identity } = await givenCredentials(args);
    if (identity) {
      throw new SallyportError(
        "USAGE",
        `A machine identity needs no enrollment: run "sallyport gateway start ${gatewayName}" with it.`,
      );
    }
    const profileDomain = (await readProfile())?.domain;
    const enrolled = await enrolFromRequest({ gatewayName, flags, token, profileDomain, machine });
    const { outcome, gatewayId, confPath, previousGatewayId } = enrolled;
    const next = nextCommand("gateway", "start", gatewayName);
    if (args.json) return printJson({ name: gatewayName, gatewayId, outcome, conf: confPath, next });
    if (previousGatewayId)
      say(`Note: the name ${gatewayName} was enrolled here as another gateway, ${previousGatewayId}.`);
    say(
      outcome === "unchanged"
        ? `The gateway ${gatewayName} was already enrolled with this token. Start it with:`
        : `Enrolled the gateway ${gatewayName} (${gatewayId}); its credentials are in ${confPath}. Start it with:`,
    );
    printLine(next);
  },
});
