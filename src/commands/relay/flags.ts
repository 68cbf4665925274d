import { type Environment, setting } from "../../host/environment.ts";
import { requireRelayName } from "../../host/names.ts";
import type { RelayFlags } from "../../relay/settings.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { absolute } from "../absolute.ts";
import { type StartFlags, startArgs } from "../agent/start-args.ts";
import { limitArgs, loggingArgs } from "../logging.ts";

/** Flags of `enroll` and `start` that say which relay this is and how it reaches its platform. */
export const identityArgs = {
  relay: { type: "positional", required: false, description: "Name of the relay", valueHint: "name" },
  ...startArgs("relay"),
  "relay-id": {
    type: "string",
    description: "Id of the relay, for the enroll methods aws and kubernetes",
    valueHint: "id",
  },
} as const;

/** Flags of `enroll` and `start` that say where the relay listens; `enroll` keeps them in the conf. */
export const listenArgs = {
  listen: { type: "string", description: "Address to listen on (0.0.0.0)", valueHint: "address" },
  "ssh-port": { type: "string", description: "Port for gateways (2222)", valueHint: "port" },
  "tls-port": { type: "string", description: "Port for clients and the platform (8443)", valueHint: "port" },
} as const;

/** Flags of `start` and `install` that say what the relay is to others. */
export const publicArgs = {
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
  exempt: {
    type: "string",
    description: "Address or CIDR without a connection limit of its own; repeatable",
    valueHint: "cidr",
  },
  "proxy-protocol": {
    type: "boolean",
    description:
      "Take the peer's address from the PROXY header (version 2) of the load balancers in --proxy-from",
  },
  "proxy-from": {
    type: "string",
    description: "Address or CIDR of a load balancer, which must send a PROXY header; repeatable",
    valueHint: "cidr",
  },
} as const;

/** Flags of `start` that no conf keeps: `install` passes them on. */
export const daemonArgs = {
  ...limitArgs,
  workers: {
    type: "string",
    description: "Processes that share the two ports (1); only Linux spreads connections over them",
    valueHint: "count",
  },
  ...loggingArgs,
} as const;

/** Their values, as citty parses them. */
export interface IdentityFlags extends StartFlags {
  relay?: string | undefined;
  "relay-id"?: string | undefined;
  listen?: string | undefined;
  "ssh-port"?: string | undefined;
  "tls-port"?: string | undefined;
}

/** The part of them that `relaySettings` reads. */
export function identityFlags(args: IdentityFlags): RelayFlags {
  return {
    domain: args.domain,
    caFile: absolute(args["ca-file"]),
    insecureHttp: args["insecure-http"] ?? false,
    listen: args.listen,
    sshPort: args["ssh-port"],
    tlsPort: args["tls-port"],
    exempt: [],
    login: {
      enrollMethod: args["enroll-method"],
      id: args["relay-id"],
      tokenPath: absolute(args["service-account-token-path"]),
    },
  };
}

/** The same with what only `start` and `install` know. */
export function startFlags(
  args: IdentityFlags & {
    type?: string | undefined;
    host?: string | undefined;
    "proxy-protocol"?: boolean | undefined;
  },
  repeated: (flag: "exempt" | "proxy-from") => string[],
): RelayFlags {
  return {
    ...identityFlags(args),
    type: args.type,
    host: args.host,
    relayId: args["relay-id"],
    exempt: repeated("exempt"),
    proxyProtocol: args["proxy-protocol"],
    proxyFrom: repeated("proxy-from"),
  };
}

/**
 * Which relay is meant: argument, `--name`, then RELAY_NAME of the environment (PROTOCOL 0.3).
 * @throws SallyportError USAGE, NAME_INVALID
 */
export function requiredRelayName(verb: string, args: IdentityFlags, env: Environment): string {
  if (args.relay && args.name && args.relay !== args.name) {
    throw new SallyportError("USAGE", "The argument and --name are two different names; give one.");
  }
  const given = args.relay || args.name || setting(env, "RELAY_NAME");
  if (given) return requireRelayName(given);
  throw new SallyportError("USAGE", `Name the relay, for example: sallyport relay ${verb} relay-1`);
}

const MOST_WORKERS = 64;

/** `--workers`; undefined = this process alone. @throws SallyportError USAGE, UNSUPPORTED */
export function workerCount(text: string | undefined): number | undefined {
  if (!text || text === "1") return undefined;
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > MOST_WORKERS) {
    throw new SallyportError(
      "USAGE",
      `--workers is ${JSON.stringify(text)}: use a number from 1 to ${MOST_WORKERS}.`,
    );
  }
  if (process.platform === "linux") return count;
  throw new SallyportError("UNSUPPORTED", "Several workers need Linux, which spreads connections over them.");
}
