import { runtimeDirectory, thisMachine } from "../../host/paths.ts";
import { readLimits } from "../../relay/limits.ts";
import { type PreparedRelay, prepareFromDirectory, prepareRelay } from "../../relay/prepare.ts";
import { relaySettings } from "../../relay/settings.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { createLogger } from "../../telemetry/log.ts";
import { command } from "../command.ts";
import { metricsAddress } from "../logging.ts";
import { daemonArgs, identityArgs, listenArgs, publicArgs, startFlags, workerCount } from "./flags.ts";
import { relayRequest } from "./request.ts";

export default command({
  name: "start",
  description: "Run a relay until it is told to stop",
  args: {
    ...identityArgs,
    ...publicArgs,
    pki: {
      type: "string",
      description: 'Directory made by "sallyport ca issue relay": runs without a platform',
      valueHint: "directory",
    },
    ...listenArgs,
    ...daemonArgs,
  },
  async run({ args, repeated }) {
    const { env } = process;
    if (args.pki && (args.token || args["token-file"] || args.domain)) {
      throw new SallyportError("USAGE", "With --pki there is no platform: leave --token and --domain away.");
    }
    const limits = readLimits(repeated("limit"), env);
    const count = workerCount(args.workers);
    const log = createLogger({ format: args["log-format"], level: args["log-level"] });
    const flags = startFlags(args, repeated);
    const metrics = metricsAddress(args, env);
    const prepared: PreparedRelay = args.pki
      ? await prepareFromDirectory(args.pki, relaySettings(flags, new Map(), env), log)
      : await prepareRelay(await relayRequest("start", args, flags), log);
    const { runRelay } = await import("../../relay/run.ts");
    const { name, settings, sshPort, tlsPort } = prepared;
    const named = args.relay ?? args.name;
    if (named !== undefined && named !== name) {
      throw new SallyportError(
        "CONFIG_INVALID",
        `${args.pki} is the directory of the relay ${name}, not of ${JSON.stringify(named)}: leave the name away, or issue a directory for it.`,
      );
    }
    const directory = runtimeDirectory("relay", name, thisMachine(env));
    await runRelay({
      name,
      runtimeDirectory: directory,
      credentials: prepared.credentials,
      listen: { hostname: settings.listen, sshPort, tlsPort, proxyFrom: settings.proxyFrom },
      limits,
      exempt: settings.exempt,
      workers:
        count === undefined
          ? undefined
          : { count, directory, logFormat: args["log-format"], logLevel: () => log.level },
      metrics,
      heartbeats: prepared.heartbeats,
      ...(prepared.follow && { follow: prepared.follow }),
      ...(prepared.report && { report: prepared.report }),
      log,
    });
  },
});
