import { chooseDomain } from "../host/domain.ts";
import { type Environment, secret, setting } from "../host/environment.ts";
import { SallyportError } from "../telemetry/error.ts";

/** Conf keys that hold a list, and flags that take one, separate it with commas. */
const LIST_LIMIT = 1000;
/** EXTENSIONS X2. */
export const MOST_RELAYS = 4;
/** EXTENSIONS X2: how many tunnels, unless told otherwise. */
export const TUNNELS = 2;

/** What the command line says about a gateway; absent = not given. */
export interface GatewayFlags {
  domain?: string | undefined;
  /** Relay names in order of preference. */
  relays: string[];
  /** How many tunnels where no relay is named. */
  tunnels?: number | undefined;
  allow: string[];
  deny: string[];
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

/** What a gateway runs with besides its credentials. */
export interface GatewaySettings {
  /** Not normalised. */
  domain: string | undefined;
  relays: string[];
  /** 1 to 4; only where no relay is named. */
  tunnels?: number | undefined;
  allow: string[];
  deny: string[];
  caFile: string | undefined;
  insecureHttp: boolean;
}

type Conf = ReadonlyMap<string, string>;

/**
 * Puts flags, environment and conf together by PROTOCOL 0.3: the flag first; then the environment before the conf,
 * but for the domain the conf before the environment. `--allow` and `--deny` add to what is stored.
 * @throws SallyportError CONFIG_INVALID
 */
export function gatewaySettings(
  flags: GatewayFlags,
  conf: Conf,
  env: Environment,
  profileDomain?: string,
): GatewaySettings {
  const stored: Environment = Object.fromEntries(conf);
  const either = (name: string) => setting(env, name) ?? setting(stored, name);
  const relays = flags.relays.length > 0 ? flags.relays : list(either("RELAY_NAME"), "RELAY_NAME");
  if (relays.length > MOST_RELAYS) {
    throw new SallyportError("CONFIG_INVALID", `A gateway keeps at most ${MOST_RELAYS} relays: name fewer.`);
  }
  return {
    domain: chooseDomain({
      flag: flags.domain,
      conf: setting(stored, "GATEWAY_DOMAIN") ?? setting(stored, "API_URL"),
      profile: profileDomain ?? setting(env, "GATEWAY_DOMAIN"),
      env,
    }),
    relays,
    tunnels: flags.tunnels ?? tunnelCount(eitherOurs("TUNNELS", env, conf), "SALLYPORT_TUNNELS"),
    allow: union(list(eitherOurs("ALLOW", env, conf), "ALLOW"), flags.allow),
    deny: union(list(eitherOurs("DENY", env, conf), "DENY"), flags.deny),
    caFile: flags.caFile || eitherOurs("CA_FILE", env, conf),
    insecureHttp: flags.insecureHttp || eitherOurs("INSECURE_HTTP", env, conf) === "true",
  };
}

/**
 * The access token: environment, then conf (PROTOCOL 0.3).
 * @throws SallyportError FILE_UNREADABLE
 */
export async function storedAccessToken(conf: Conf, env: Environment): Promise<string | undefined> {
  return (
    (await secret(env, "GATEWAY_ACCESS_TOKEN")) ??
    (await secret(Object.fromEntries(conf), "GATEWAY_ACCESS_TOKEN"))
  );
}

/** @throws SallyportError CONFIG_INVALID */
export function tunnelCount(text: string | undefined, what: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-4]$/.test(text)) return Number(text);
  throw new SallyportError("CONFIG_INVALID", `${what} must be 1, 2, 3 or 4.`);
}

/** Splits `a, b` and drops what is empty. @throws SallyportError CONFIG_INVALID */
export function list(text: string | undefined, what: string): string[] {
  const items = (text ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  if (items.length <= LIST_LIMIT) return items;
  throw new SallyportError("CONFIG_INVALID", `${what} lists more than ${LIST_LIMIT} entries.`);
}

function union(stored: string[], added: string[]): string[] {
  return [...new Set([...stored, ...added])];
}

function eitherOurs(name: string, env: Environment, conf: Conf): string | undefined {
  return env[`SALLYPORT_${name}`] || conf.get(`SALLYPORT_${name}`) || undefined;
}
