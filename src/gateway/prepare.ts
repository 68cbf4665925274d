import { join } from "node:path";
import { followPlatform } from "../client/follow-platform.ts";
import { openPlatform } from "../client/open-platform.ts";
import { findConf } from "../host/conf-file.ts";
import { normaliseDomain } from "../host/domain.ts";
import { type Environment, secret } from "../host/environment.ts";
import { warnOfExposed } from "../host/exposed-files.ts";
import { confPath, type Machine, runtimeDirectory, stateDirectory } from "../host/paths.ts";
import { chooseProxy } from "../host/proxy.ts";
import type { GatewayCredentials } from "../pki/credentials.ts";
import { directorySource, readGatewayDirectory } from "../pki/directory.ts";
import { GATEWAY_FILES } from "../pki/identity.ts";
import { makeAgentReport } from "../platform-client/agent-report.ts";
import { type GivenIdentity, givenIdentity, storedIdentity } from "../platform-client/identity-login.ts";
import { SallyportError } from "../telemetry/error.ts";
import { createInstruments, type Instruments } from "../telemetry/instruments.ts";
import type { Logger } from "../telemetry/log.ts";
import { ConnectionJournal } from "./accounting.ts";
import type { GatewayOptions } from "./agent.ts";
import { ConnectionSpool } from "./connection-spool.ts";
import { hasCache, openCredentialsCache } from "./credentials-cache.ts";
import { deployHint, type Enrolled, enrolGateway, isSpentHere } from "./enrolment.ts";
import { asGateway, asIdentity, type GatewayPlatform } from "./identity-platform.ts";
import { asMachine, enrolMachine, gatewayMachineLogin, rememberLogin } from "./machine-platform.ts";
import { PlatformSource } from "./platform-source.ts";
import { measureRelay } from "./relay-latency.ts";
import { ReloadablePolicy } from "./reloadable-policy.ts";
import { type GatewayFlags, type GatewaySettings, gatewaySettings, storedAccessToken } from "./settings.ts";
import { parsePolicy } from "./target-policy.ts";

export interface GatewayRequest {
  gatewayName: string;
  flags: GatewayFlags;
  /** Enrollment token from a flag or a file. */
  token?: string | undefined;
  /** The machine identity of the command line, as far as it says. */
  identity?: GivenIdentity | undefined;
  /** Where the person on this machine is logged in. */
  profileDomain?: string | undefined;
  machine: Machine;
}

type Settings = GatewaySettings & { domain: string };

/**
 * Enrols with the token that is given, or by what the machine is (`gateway enroll`); contacts no relay.
 * @throws SallyportError as `enrolGateway`; CONFIG_INVALID when there is no token, no domain or a bad rule
 */
export async function enrolFromRequest(request: GatewayRequest): Promise<Enrolled & { confPath: string }> {
  const { gatewayName } = request;
  const { conf, settings } = await readSettings(request);
  const path = confPath("gateway", gatewayName, request.machine);
  const login = await gatewayMachineLogin(request, conf);
  if (login) return { ...(await enrolMachine(request, { conf, settings }, login)), confPath: path };
  const token = request.token ?? (await secret(request.machine.env, "GATEWAY_ENROLLMENT_TOKEN"));
  if (token === undefined) {
    throw new SallyportError(
      "CONFIG_INVALID",
      `There is no enrollment token: ${deployHint(gatewayName)} and give it with --token-file - (stdin) or --token.`,
    );
  }
  return { ...(await enrol(request, settings, conf, token)), confPath: path };
}

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

interface Known {
  conf: ReadonlyMap<string, string>;
  /** Where it is, if there is one. */
  confFile: string | undefined;
  settings: Settings;
}

/** @throws SallyportError CONFIG_INVALID, NAME_INVALID, FILE_UNREADABLE */
export async function readSettings(request: GatewayRequest): Promise<Known> {
  const { gatewayName, flags, machine, profileDomain, token } = request;
  const found = await findConf("gateway", gatewayName, machine);
  const conf = found?.values ?? new Map<string, string>();
  const settings = gatewaySettings(flags, conf, machine.env, profileDomain);
  parsePolicy({ allow: settings.allow, deny: settings.deny, gatewayName });
  if (settings.domain === undefined) {
    if (token === undefined && conf.size === 0 && !flags.login?.enrollMethod)
      throw notEnrolled(gatewayName, machine);
    throw new SallyportError("CONFIG_INVALID", "Which platform? Add --domain https://...");
  }
  const { insecureHttp } = settings;
  const known = { conf, confFile: found?.path };
  return { ...known, settings: { ...settings, domain: normaliseDomain(settings.domain, { insecureHttp }) } };
}

/**
 * As whom the gateway reaches its platform (PROTOCOL 0.3): what the command line names; itself, by what its machine is
 * or by a credential from an enrollment; the machine identity of environment or conf.
 */
async function accessOf(
  request: GatewayRequest,
  settings: Settings,
  conf: ReadonlyMap<string, string>,
  log: Logger,
): Promise<GatewayPlatform> {
  const { gatewayName, machine, identity = {} } = request;
  const named = await givenIdentity(identity, conf, machine.env);
  if (named) return asIdentity(settings, machine.env, { login: named, gatewayName });
  const login = await gatewayMachineLogin(request, conf);
  if (login) {
    const access = await asMachine(request, settings, login, log);
    await rememberLogin(request, { conf, settings }, login, log);
    return access;
  }
  const accessToken = await accessTokenOf(request, settings, conf, log);
  if (accessToken !== undefined) return asGateway(settings, machine.env, accessToken);
  const stored = await storedIdentity(conf, machine.env);
  if (stored) return asIdentity(settings, machine.env, { login: stored, gatewayName });
  throw notEnrolled(gatewayName, machine);
}

async function accessTokenOf(
  request: GatewayRequest,
  settings: Settings,
  conf: ReadonlyMap<string, string>,
  log: Logger,
): Promise<string | undefined> {
  const { machine } = request;
  const stored = await storedAccessToken(conf, machine.env);
  // Infisical's `systemd install` leaves the token in the conf for the first start.
  const token =
    request.token ??
    (await secret(machine.env, "GATEWAY_ENROLLMENT_TOKEN")) ??
    (stored === undefined ? conf.get("INFISICAL_GATEWAY_ENROLLMENT_TOKEN") : undefined);
  if (token !== undefined && !isSpentHere(token, conf)) {
    const { outcome, gatewayId, accessToken } = await enrol(request, settings, conf, token);
    log.info(`Gateway ${outcome === "rotated" ? "has new credentials" : "enrolled"}`, { gatewayId });
    return accessToken;
  }
  return stored;
}

function enrol(
  { gatewayName, machine }: GatewayRequest,
  settings: Settings,
  conf: ReadonlyMap<string, string>,
  token: string,
): Promise<Enrolled> {
  return enrolGateway({
    gatewayName,
    confPath: confPath("gateway", gatewayName, machine),
    conf,
    token,
    settings,
    platform: openPlatform(settings, machine.env),
  });
}

/** Neither conf nor token, or no domain: says which command to run. */
export function notEnrolled(gatewayName: string, machine: Machine): SallyportError {
  const path = confPath("gateway", gatewayName, machine);
  return new SallyportError(
    "CONFIG_INVALID",
    `Gateway ${gatewayName} is not enrolled here (nothing of use in ${path}): ${deployHint(gatewayName)}, then run ` +
      `"sallyport gateway enroll ${gatewayName} --token-file - --domain https://..." and paste it.`,
  );
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
