import { onShutdown } from "../../host/signals.ts";
import { readLimits } from "../../relay/limits.ts";
import { relaySettings } from "../../relay/settings.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { createLogger } from "../../telemetry/log.ts";
import { command } from "../command.ts";
import { identityArgs, identityFlags, listenArgs } from "./flags.ts";
import { directoryRelay, type PreparedRelay, platformRelay } from "./prepare.ts";

export default command({
  name: "start",
  description: "Run a relay until it is told to stop",
  args: {
    ...identityArgs,
    type: {
      type: "string",
      description: "org, or instance for a relay shared by all organisations",
      valueHint: "type",
    },
    host: {
      type: "string",
      description: "Name or address that gateways and clients dial",
      valueHint: "host",
    },
    "relay-id": { type: "string", description: "Id of the relay on its platform", valueHint: "id" },
    pki: {
      type: "string",
      description: 'Directory made by "sallyport ca issue relay": runs without a platform',
      valueHint: "directory",
    },
    ...listenArgs,
    exempt: {
      type: "string",
      description: "Address or CIDR without a connection limit of its own; repeatable",
      valueHint: "cidr",
    },
    limit: {
      type: "string",
      description: "Change a limit, for example channels=500; repeatable",
      valueHint: "name=value",
    },
    "log-format": {
      type: "enum",
      options: ["text", "json"],
      default: "text",
      description: "How log lines look",
    },
    "log-level": {
      type: "enum",
      options: ["debug", "info", "warn", "error"],
      default: "info",
      description: "Least important lines that are printed",
    },
  },
  async run({ args, repeated }) {
    const { env } = process;
    if (args.pki && (args.token || args["token-file"] || args.domain)) {
      throw new SallyportError("USAGE", "With --pki there is no platform: leave --token and --domain away.");
    }
    const limits = readLimits(repeated("limit"), env);
    const log = createLogger({ format: args["log-format"], level: args["log-level"] });
    const flags = {
      ...identityFlags(args),
      type: args.type,
      host: args.host,
      relayId: args["relay-id"],
      exempt: repeated("exempt"),
    };
    const prepared: PreparedRelay = args.pki
      ? await directoryRelay(args.pki, relaySettings(flags, new Map(), env))
      : await platformRelay(args, flags, env, log);
    const { startRelay } = await import("../../relay/relay.ts");
    const { settings, sshPort, tlsPort } = prepared;
    const relay = await startRelay({
      credentials: prepared.credentials,
      listen: { hostname: settings.listen, sshPort, tlsPort },
      limits,
      exempt: settings.exempt,
      log,
    });
    log.info("Relay server started successfully", {
      relay: prepared.name,
      sshPort: relay.sshPort,
      tlsPort: relay.tlsPort,
    });
    const stop = new AbortController();
    const heartbeats = prepared.heartbeats?.(stop.signal);
    await onShutdown(
      async () => {
        stop.abort();
        await relay.drain(limits.drainMs);
        await heartbeats;
      },
      { log },
    );
  },
});
