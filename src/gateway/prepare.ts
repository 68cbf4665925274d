import { join } from "node:path";
import { followPlatform } from "../client/follow-platform.ts";
import type { Environment } from "../host/environment.ts";
import { warnOfExposed } from "../host/exposed-files.ts";
import { type Machine, runtimeDirectory, stateDirectory } from "../host/paths.ts";
import { chooseProxy } from "../host/proxy.ts";
import type { GatewayCredentials } from "../pki/credentials.ts";
import { directorySource, readGatewayDirectory } from "../pki/directory.ts";
import { GATEWAY_FILES } from "../pki/identity.ts";
import { makeAgentReport } from "../platform-client/agent-report.ts";
import { SallyportError } from "../telemetry/error.ts";
import { createInstruments, type Instruments } from "../telemetry/instruments.ts";
import type { Logger } from "../telemetry/log.ts";
import { accessOf } from "./access.ts";
import { ConnectionJournal } from "./accounting.ts";
import type { GatewayOptions } from "./agent.ts";
import { ConnectionSpool } from "./connection-spool.ts";
import { hasCache, openCredentialsCache } from "./credentials-cache.ts";
import { PlatformSource } from "./platform-source.ts";
import { measureRelay } from "./relay-latency.ts";
import { ReloadablePolicy } from "./reloadable-policy.ts";
import { type GatewayRequest, readSettings } from "./request.ts";
import type { GatewayFlags } from "./settings.ts";
import { parsePolicy } from "./target-policy.ts";

/** A gateway that is ready to run, and by which name its operator finds it. */
export type PreparedGateway = GatewayOptions & {
  gatewayName: string;
  /** For its control socket; made 0700. */
  runtimeDirectory: string;
  instruments: Instruments;
};

/**
 * Everything `gateway start` runs with: the conf, after enrolling where a new token is given. The same token again uses
 * what is stored, another one rotates it (EXTENSIONS, "Where things live").
 * @throws SallyportError CONFIG_INVALID (exit 2) with the command to run when there is neither conf nor token
 */
export async function prepareGateway(request: GatewayRequest, log: Logger): Promise<PreparedGateway> {
  const { gatewayName, machine } = request;
  const { conf, confFile, settings } = await readSettings(request);
  const access = await accessOf(request, settings, conf, log);
  await warnOfExposed([confFile], log);
  const directory = stateDirectory("gateway", gatewayName, machine);
  if (isInfisicals(conf) && !(await hasCache(directory))) explainLoopback(gatewayName, log);
  const platform = access.client;
  const instruments = createInstruments();
  const route = tunnelRoute(machine.env, settings.caFile);
  const credentials = new PlatformSource({
    platform: access.source,
    gatewayName,
    relays: settings.relays,
    tunnels: settings.tunnels,
    refusedFix: access.refusedFix,
    measure: (host, port, signal) => measureRelay({ host, port, ...route(host, port) }, signal),
    cache: openCredentialsCache(
      directory,
      [platform.domain, access.issuedFor, ...settings.relays],
      log,
      instruments.conditions,
    ),
    conditions: instruments.conditions,
    log,
  });
  return {
    gatewayName,
    instruments,
    credentials,
    lookElsewhere: (relay, failures) => credentials.lookElsewhere(relay, failures),
    policy: await ReloadablePolicy.open(async () => {
      const { allow, deny } = (await readSettings(request)).settings;
      return parsePolicy({ allow, deny, gatewayName, own: { ports: () => instruments.ports } });
    }),
    runtimeDirectory: runtimeDirectory("gateway", gatewayName, machine),
    heartbeat: (signal) => {
      const report = makeAgentReport(instruments.conditions.list(), new Date());
      return platform.gatewayAgent.heartbeat({ report }, { signal });
    },
    reportLoad: (activeChannels, signal) => platform.gatewayAgent.reportLoad(activeChannels, { signal }),
    follow: followPlatform(
      "gateway",
      (ask) => platform.events({ ...ask, ...(access.as && { as: access.as }) }),
      log,
    ),
    renew: () => credentials.renew(),
    refusedFix: access.refusedFix,
    accounting: new ConnectionJournal({
      send: (report, ask) => platform.gatewayAgent.reportConnections(report, ask),
      spool: new ConnectionSpool(directory, log),
      log,
    }),
    route,
    log,
  };
}

export interface DirectoryRequest {
  directory: string;
  /** Instead of the name in the directory. */
  gatewayName: string | undefined;
  flags: GatewayFlags;
  machine: Machine;
}

/**
 * What a gateway runs with that lives from a directory of `ca issue gateway` and makes no HTTP call.
 * @throws SallyportError NOT_FOUND, FILE_UNREADABLE, CONFIG_INVALID, NAME_INVALID
 */
export async function prepareFromDirectory(request: DirectoryRequest, log: Logger): Promise<PreparedGateway> {
  const { directory, flags, machine } = request;
  const { gatewayName: named, relays } = await readGatewayDirectory(directory);
  const gatewayName = request.gatewayName ?? named;
  if (gatewayName === undefined) {
    throw new SallyportError("CONFIG_INVALID", `${directory} names no gateway: add the name as an argument.`);
  }
  const missing = flags.relays.find((wanted) => !relays.some(({ relayName }) => relayName === wanted));
  if (missing !== undefined) {
    throw new SallyportError("CONFIG_INVALID", `${directory} has no certificate for the relay ${missing}.`);
  }
  const { key, sshKey } = GATEWAY_FILES;
  await warnOfExposed([join(directory, key), join(directory, sshKey)], log);
  const instruments = createInstruments();
  const own = { ports: () => instruments.ports };
  return {
    gatewayName,
    instruments,
    credentials: directorySource(directory, async (path) =>
      onlyRelays(await readGatewayDirectory(path), flags.relays),
    ),
    policy: parsePolicy({ allow: flags.allow, deny: flags.deny, gatewayName, own }),
    runtimeDirectory: runtimeDirectory("gateway", gatewayName, machine),
    route: tunnelRoute(machine.env, flags.caFile),
    log,
  };
}

/** The proxy that the way to a relay takes. @throws SallyportError CONFIG_INVALID now, rather than at each dial */
function tunnelRoute(env: Environment, proxyCaFile: string | undefined) {
  const route = (host: string, port: number) => ({
    proxy: chooseProxy(env, { protocol: "tunnel", host, port }),
    proxyCaFile,
  });
  route("relay.invalid", 1);
  return route;
}

/** `--relay` pins a gateway to these relays, whatever else it has certificates for (EXTENSIONS X2). */
function onlyRelays(credentials: GatewayCredentials, names: string[]): GatewayCredentials {
  if (names.length === 0) return credentials;
  const relays = credentials.relays.filter(({ relayName }) => names.includes(relayName ?? ""));
  return { ...credentials, relays };
}

/** `enroll` always writes SALLYPORT_ALLOW, Infisical's CLI never. */
function isInfisicals(conf: ReadonlyMap<string, string>): boolean {
  return conf.size > 0 && ![...conf.keys()].some((key) => key.startsWith("SALLYPORT_"));
}

function explainLoopback(gatewayName: string, log: Logger): void {
  log.info(
    "Targets on this machine itself (127.0.0.1, ::1) are denied unless allowed, unlike with Infisical's gateway",
    {
      allowOne: `sallyport gateway start ${gatewayName} --allow localhost:<port> --allow 0.0.0.0/0 --allow ::/0`,
      keep: "SALLYPORT_ALLOW in the conf",
    },
  );
}
