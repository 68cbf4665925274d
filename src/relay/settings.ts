import { isIP } from "node:net";
import { matchAddresses } from "../host/address-ranges.ts";
import { type Environment, setting } from "../host/environment.ts";
import { SallyportError } from "../telemetry/error.ts";
import type { Conf } from "./enrolment.ts";

/** What the command line says about a relay; absent = not given. */
export interface RelayFlags {
  domain?: string | undefined;
  relayId?: string | undefined;
  host?: string | undefined;
  type?: string | undefined;
  sshPort?: string | undefined;
  tlsPort?: string | undefined;
  listen?: string | undefined;
  exempt: string[];
  proxyProtocol?: boolean | undefined;
  proxyFrom?: string[];
  caFile?: string | undefined;
  insecureHttp: boolean;
  /** How it logs in, where not by an enrollment token; absent = the environment and the conf say. */
  login?: {
    enrollMethod?: string | undefined;
    id?: string | undefined;
    /** Of a service account's token. */
    tokenPath?: string | undefined;
  };
}

/** What a relay runs with besides its credentials. */
export interface RelaySettings {
  /** Not normalised. */
  domain: string | undefined;
  relayId: string | undefined;
  host: string | undefined;
  /** `instance` = shared by all organisations of a platform, enrolled by the instance's secret. */
  type: "instance" | "org";
  /** Undefined = the usual one, or what the `--pki` directory says. */
  sshPort: number | undefined;
  tlsPort: number | undefined;
  listen: string;
  exempt: string[];
  /** Load balancers, which have to send a PROXY header. */
  proxyFrom: string[];
  caFile: string | undefined;
  insecureHttp: boolean;
}

/**
 * Puts flags, environment and conf together by PROTOCOL 0.3: the flag first; then the environment before the conf, but
 * for the domain the conf before the environment.
 * @throws SallyportError CONFIG_INVALID
 */
export function relaySettings(
  flags: RelayFlags,
  conf: Conf,
  env: Environment,
  profileDomain?: string,
): RelaySettings {
  const stored: Environment = Object.fromEntries(conf);
  const either = (name: string) => setting(env, name) ?? setting(stored, name);
  const ours = (name: string) => env[`SALLYPORT_${name}`] || stored[`SALLYPORT_${name}`] || undefined;
  return {
    domain:
      flags.domain ||
      setting(stored, "RELAY_DOMAIN") ||
      setting(stored, "API_URL") ||
      profileDomain ||
      setting(env, "RELAY_DOMAIN") ||
      setting(env, "DOMAIN") ||
      setting(env, "API_URL"),
    relayId: flags.relayId || either("RELAY_ID"),
    host: flags.host || either("RELAY_HOST"),
    type: relayType(flags.type || either("RELAY_TYPE")),
    sshPort: port(flags.sshPort || ours("RELAY_SSH_PORT"), "--ssh-port"),
    tlsPort: port(flags.tlsPort || ours("RELAY_TLS_PORT"), "--tls-port"),
    listen: listenAddress(flags.listen || ours("RELAY_LISTEN") || "0.0.0.0"),
    exempt: exempted(flags.exempt.length > 0 ? flags.exempt : list(ours("RELAY_EXEMPT"))),
    proxyFrom: proxies(flags, list(ours("RELAY_PROXY_FROM"))),
    caFile: flags.caFile || ours("CA_FILE"),
    insecureHttp: flags.insecureHttp || ours("INSECURE_HTTP") === "true",
  };
}

function relayType(text: string | undefined): "instance" | "org" {
  if (text === undefined || text === "org") return "org";
  if (text === "instance") return text;
  throw new SallyportError(
    "CONFIG_INVALID",
    `The relay type is ${JSON.stringify(text)}: use instance or org.`,
  );
}

/** Both flags or none: a header that is believed from anybody would let everybody choose their own address. */
function proxies({ proxyProtocol = false, proxyFrom = [] }: RelayFlags, stored: string[]): string[] {
  const from = proxyFrom.length > 0 ? proxyFrom : stored;
  if (proxyProtocol && from.length === 0) {
    throw new SallyportError(
      "CONFIG_INVALID",
      "--proxy-protocol needs to know from whom: add --proxy-from with the load balancer's address or CIDR.",
    );
  }
  if (proxyFrom.length > 0 && !proxyProtocol) {
    throw new SallyportError("CONFIG_INVALID", "--proxy-from goes with --proxy-protocol: add it.");
  }
  matchAddresses(from);
  return from;
}

/** An address of this machine, which no name has to be looked up for. */
function listenAddress(text: string): string {
  if (isIP(text) !== 0 || text === "localhost") return text;
  throw new SallyportError(
    "CONFIG_INVALID",
    `--listen is ${JSON.stringify(text)}: use an address of this machine, without a port, for example 0.0.0.0 or ::.`,
  );
}

function exempted(ranges: string[]): string[] {
  matchAddresses(ranges);
  return ranges;
}

/** 0 lets the system choose. */
function port(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (number <= 65_535) return number;
  throw new SallyportError(
    "CONFIG_INVALID",
    `${flag} is ${JSON.stringify(text)}: use a port from 0 to 65535.`,
  );
}

function list(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
