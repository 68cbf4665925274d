import { type GatewayFlags, list, MOST_RELAYS, tunnelCount } from "../../gateway/settings.ts";
import { type Environment, setting } from "../../host/environment.ts";
import { requireGatewayName, requireRelayName } from "../../host/names.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { absolute } from "../absolute.ts";
import { type StartFlags, startArgs } from "../agent/start-args.ts";
import { limitArgs, loggingArgs } from "../logging.ts";

/** Older words of Infisical's for `--relay`. */
const RELAY_ALIASES: string[] = ["target-relay-name", "proxy-name"];

/** Flags of `enroll` and `start`: Infisical's words (PROTOCOL 0.4) and ours. */
export const gatewayArgs = {
  gateway: { type: "positional", required: false, description: "Name of the gateway", valueHint: "name" },
  ...startArgs("gateway"),
  "gateway-id": {
    type: "string",
    description: "Id of the gateway, for the enroll methods aws and kubernetes",
    valueHint: "id",
  },
  relay: {
    type: "string",
    alias: RELAY_ALIASES,
    description: "Use this relay only, or these: a,b. Without it the platform chooses",
    valueHint: "name",
  },
  tunnels: {
    type: "string",
    description: "How many relays to use at once where --relay names none: 1 to 4 (2)",
    valueHint: "count",
  },
  allow: {
    type: "string",
    description:
      "Target that may be reached: host, address, CIDR or *.suffix, with :port or :port-port; repeatable",
    valueHint: "target",
  },
  deny: { type: "string", description: "Target that may not be reached; repeatable", valueHint: "target" },
  "listen-address": {
    type: "string",
    description: "Direct listening; not supported",
    valueHint: "host:port",
  },
} as const;

/** Flags of `start` that no conf keeps: `install` passes them on. */
export const daemonArgs = { ...limitArgs, ...loggingArgs } as const;

/** Their values, as citty parses them. */
export interface GatewayArgs extends StartFlags {
  gateway?: string | undefined;
  "gateway-id"?: string | undefined;
  tunnels?: string | undefined;
  "listen-address"?: string | undefined;
}

type Repeated = (flag: "relay" | "allow" | "deny") => string[];

/**
 * The flags that go into settings, checked.
 * @throws SallyportError NAME_INVALID, USAGE, UNSUPPORTED: all exit with 2
 */
export function gatewayFlags(args: GatewayArgs, repeated: Repeated): GatewayFlags {
  if (args["listen-address"] !== undefined) {
    throw new SallyportError(
      "UNSUPPORTED",
      "--listen-address is not supported: a gateway only dials out, through a relay. Leave it away, or run a relay of your own.",
    );
  }
  const relays = repeated("relay").flatMap((value) => list(value, "--relay"));
  if (relays.length > MOST_RELAYS) {
    throw new SallyportError("USAGE", `--relay takes at most ${MOST_RELAYS} names.`);
  }
  if (relays.length > 0 && args.tunnels !== undefined) {
    throw new SallyportError("USAGE", "--relay says which relays, so leave --tunnels away.");
  }
  return {
    domain: args.domain,
    relays: [...new Set(relays.map(requireRelayName))],
    tunnels: tunnelCount(args.tunnels, "--tunnels"),
    allow: repeated("allow").flatMap((value) => list(value, "--allow")),
    deny: repeated("deny").flatMap((value) => list(value, "--deny")),
    caFile: absolute(args["ca-file"]),
    insecureHttp: args["insecure-http"] ?? false,
    login: {
      enrollMethod: args["enroll-method"],
      id: args["gateway-id"],
      tokenPath: absolute(args["service-account-token-path"]),
    },
  };
}

/**
 * Which gateway is meant: argument, `--name`, then GATEWAY_NAME of the environment (PROTOCOL 0.3). Undefined when
 * nothing says.
 * @throws SallyportError USAGE, NAME_INVALID
 */
export function gatewayName(args: GatewayArgs, env: Environment): string | undefined {
  if (args.gateway && args.name && args.gateway !== args.name) {
    throw new SallyportError("USAGE", "The argument and --name are two different names; give one.");
  }
  const given = args.gateway ?? args.name ?? setting(env, "GATEWAY_NAME");
  return given === undefined ? undefined : requireGatewayName(given);
}

/** @throws SallyportError USAGE, NAME_INVALID */
export function requiredGatewayName(verb: string, args: GatewayArgs, env: Environment): string {
  const name = gatewayName(args, env);
  if (name !== undefined) return name;
  throw new SallyportError("USAGE", `Name the gateway, for example: sallyport gateway ${verb} my-gateway`);
}
