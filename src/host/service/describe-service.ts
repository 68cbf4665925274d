import { type Environment, setting } from "../environment.ts";
import type { Role } from "../paths.ts";
import type { ServiceHost } from "./host.ts";
import type { SecretFile, Service } from "./service.ts";

/** A conf as a service will read it. */
export interface ServiceConf {
  path: string;
  values: ReadonlyMap<string, string>;
}

export interface InstallRequest {
  role: Role;
  name: string;
  /** Arguments of the daemon. */
  args: string[];
  /** How long it may take to drain, in seconds. */
  drainSeconds: number;
}

/** Puts together what a service manager has to be told, from the daemon's conf and the environment of `install`. */
export function describeService(
  { role, name, args, drainSeconds }: InstallRequest,
  conf: ServiceConf,
  executable: string,
  { machine, say }: Pick<ServiceHost, "machine" | "say">,
): Service {
  const stored: Environment = Object.fromEntries(conf.values);
  return {
    role,
    name,
    executable,
    args,
    confPath: conf.path,
    secretFiles: secretFiles(stored),
    caFile: stored.SALLYPORT_CA_FILE || undefined,
    environment: proxies(machine.env, say),
    lowPorts:
      role === "relay" && [stored.SALLYPORT_RELAY_SSH_PORT, stored.SALLYPORT_RELAY_TLS_PORT].some(isLow),
    drainSeconds,
  };
}

const SECRETS = ["GATEWAY_ACCESS_TOKEN", "RELAY_ACCESS_TOKEN", "RELAY_AUTH_SECRET"];

/** Files that only root can read; a secret in the conf itself wins, as everywhere. */
function secretFiles(stored: Environment): SecretFile[] {
  return SECRETS.flatMap((name) => {
    const path = setting(stored, `${name}_FILE`);
    return path === undefined || setting(stored, name) !== undefined
      ? []
      : [{ id: `SALLYPORT_${name}`, path }];
  });
}

const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/** A service sees nothing of the environment it was installed from. Unit files are readable, so no proxy's password. */
function proxies(env: Environment, say: (line: string) => void): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of PROXY_VARIABLES.flatMap((upper) => [upper, upper.toLowerCase()])) {
    const value = env[name];
    if (!value) continue;
    if (value.includes("@")) say(`Note: ${name} holds a password, so the service does not get it`);
    else found[name] = value;
  }
  return found;
}

function isLow(port: string | undefined): boolean {
  return Number(port) > 0 && Number(port) < 1024;
}
