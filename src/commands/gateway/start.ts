import { readGatewayLimits } from "../../gateway/limits.ts";
import { type PreparedGateway, prepareFromDirectory, prepareGateway } from "../../gateway/prepare.ts";
import type { GatewayFlags } from "../../gateway/settings.ts";
import { type Machine, thisMachine } from "../../host/paths.ts";
import { readProfile } from "../../platform-client/profile.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { createLogger, type Logger } from "../../telemetry/log.ts";
import { command } from "../command.ts";
import { type GivenCredentials, givenCredentials } from "../identity-flags.ts";
import { metricsAddress } from "../logging.ts";
import {
  daemonArgs,
  type GatewayArgs,
  gatewayArgs,
  gatewayFlags,
  gatewayName,
  requiredGatewayName,
} from "./flags.ts";

export default command({
  name: "start",
  description: "Run a gateway until it is told to stop",
  args: {
    ...gatewayArgs,
    pki: {
      type: "string",
      description: 'Directory made by "sallyport ca issue gateway": runs without a platform',
      valueHint: "directory",
    },
    ...daemonArgs,
  },
  async run({ args, repeated }) {
    const machine = thisMachine();
    const log = createLogger({ format: args["log-format"], level: args["log-level"] });
    const flags = gatewayFlags(args, repeated);
    const limits = readGatewayLimits(repeated("limit"), machine.env);
    const metrics = metricsAddress(args, machine.env);
    const given = await givenCredentials(args);
    const options = await prepare({ args, flags, given, machine, log });
    const { runGateway } = await import("../../gateway/run.ts");
    await runGateway({ ...options, limits, metrics, log });
  },
});

interface Start {
  args: GatewayArgs & { pki?: string | undefined };
  flags: GatewayFlags;
  given: GivenCredentials;
  machine: Machine;
  log: Logger;
}

async function prepare({ args, flags, given, machine, log }: Start): Promise<PreparedGateway> {
  if (args.pki === undefined) {
    const name = requiredGatewayName("start", args, machine.env);
    const profileDomain = (await readProfile())?.domain;
    return prepareGateway({ gatewayName: name, flags, ...given, profileDomain, machine }, log);
  }
  if (given.token !== undefined || given.identity !== undefined || args.domain !== undefined) {
    throw new SallyportError("USAGE", "With --pki there is no platform: leave --token and --domain away.");
  }
  const name = gatewayName(args, machine.env);
  return prepareFromDirectory({ directory: args.pki, gatewayName: name, flags, machine }, log);
}
