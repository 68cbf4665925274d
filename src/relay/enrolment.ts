import { requireConfWritable, writeConf } from "../host/conf-file.ts";
import { type Environment, secret, setting } from "../host/environment.ts";
import type { PlatformClient } from "../platform-client/client.ts";
import { firstSentence, SallyportError } from "../telemetry/error.ts";
import type { RelaySettings } from "./settings.ts";

export type Conf = ReadonlyMap<string, string>;

/**
 * The access token: environment, then conf (PROTOCOL 0.3).
 * @throws SallyportError FILE_UNREADABLE
 */
export async function storedAccessToken(conf: Conf, env: Environment): Promise<string | undefined> {
  return (
    (await secret(env, "RELAY_ACCESS_TOKEN")) ??
    (await secret(Object.fromEntries(conf), "RELAY_ACCESS_TOKEN"))
  );
}

/** The token of the last enrolment: worthless once exchanged, but it tells a repeated start from a new enrolment. */
export function keptToken(conf: Conf): string | undefined {
  return setting(Object.fromEntries(conf), "RELAY_ENROLLMENT_TOKEN");
}

interface EnrolOptions {
  name: string;
  token: string;
  client: PlatformClient;
  /** The conf to write, and what it held before. */
  path: string;
  previous: Conf;
  /** Kept in the conf, so that `start` alone is enough. */
  settings: RelaySettings;
}

/**
 * Exchanges an enrollment token for the relay's access token and keeps it in the conf. The token can be used once, so
 * whether the conf can be written is found out first.
 * @throws SallyportError FILE_UNWRITABLE, ENROLLMENT_TOKEN_INVALID, PLATFORM_UNREACHABLE ...
 */
export async function enrolRelay(options: EnrolOptions): Promise<Conf> {
  const { name, token, client, path, previous, settings } = options;
  await requireConfWritable(path);
  const { accessToken, relayId } = await redeem(client, token, name);
  const values = withSettings(previous, { name, domain: client.domain, settings });
  for (const key of values.keys()) if (hidesOurs(key)) values.delete(key);
  values.set("INFISICAL_RELAY_ENROLL_METHOD", "token");
  values.set("INFISICAL_RELAY_ENROLLMENT_TOKEN", token);
  values.set("INFISICAL_RELAY_ACCESS_TOKEN", accessToken);
  values.set("INFISICAL_RELAY_ID", relayId);
  try {
    await writeConf(path, values);
  } catch (error) {
    throw new SallyportError(
      "FILE_UNWRITABLE",
      `The enrollment token is spent, but ${path} could not be written: ${nextToken(name)}.`,
      { cause: error },
    );
  }
  return values;
}

/** A copy of the conf with these settings in it, so that `start` alone is enough; everything else stays. */
export function withSettings(
  previous: Conf,
  { name, domain, settings }: { name: string; domain: string | undefined; settings: RelaySettings },
): Map<string, string> {
  const values = new Map(previous);
  for (const key of HIDING_SETTINGS) values.delete(key);
  values.set("INFISICAL_RELAY_NAME", name);
  if (domain !== undefined) values.set("INFISICAL_RELAY_DOMAIN", domain);
  for (const [key, value] of keptSettings(settings)) if (value !== undefined) values.set(key, value);
  return values;
}

async function redeem(client: PlatformClient, token: string, name: string) {
  try {
    return await client.relayAgent.login({ method: "token", token });
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== "ENROLLMENT_TOKEN_INVALID") throw error;
    throw new SallyportError(
      "ENROLLMENT_TOKEN_INVALID",
      `${firstSentence(error.message)} It works once and for an hour: ${nextToken(name)}.`,
      { cause: error },
    );
  }
}

function nextToken(name: string): string {
  return `make a new one with "sallyport relay deploy-command ${name}" or on the relay's page`;
}

function keptSettings(settings: RelaySettings): [key: string, value: string | undefined][] {
  const { type, host, sshPort, tlsPort, listen, exempt, proxyFrom, caFile, insecureHttp } = settings;
  return [
    ["INFISICAL_RELAY_TYPE", type === "instance" ? type : undefined],
    ["INFISICAL_RELAY_HOST", host],
    ["SALLYPORT_RELAY_SSH_PORT", sshPort?.toString()],
    ["SALLYPORT_RELAY_TLS_PORT", tlsPort?.toString()],
    ["SALLYPORT_RELAY_LISTEN", listen],
    ["SALLYPORT_RELAY_EXEMPT", exempt.length > 0 ? exempt.join(",") : undefined],
    ["SALLYPORT_RELAY_PROXY_FROM", proxyFrom.length > 0 ? proxyFrom.join(",") : undefined],
    ["SALLYPORT_CA_FILE", caFile],
    ["SALLYPORT_INSECURE_HTTP", insecureHttp ? "true" : undefined],
  ];
}

/** Our spelling of a key is read first: left from before it would hide the value written here. */
const HIDING_SETTINGS = ["NAME", "DOMAIN", "TYPE", "HOST"].map((key) => `SALLYPORT_RELAY_${key}`);

function hidesOurs(key: string): boolean {
  return /^SALLYPORT_RELAY_(ENROLL_METHOD|ENROLLMENT_TOKEN|ACCESS_TOKEN|ID)$/.test(key);
}
