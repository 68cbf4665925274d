import { isAbsolute, join } from "node:path";
import type { ArgsDef } from "citty";
import { type HostPort, parseHostPort } from "../../host/address.ts";
import { isLoopback, normaliseDomain } from "../../host/domain.ts";
import { secret, setting } from "../../host/environment.ts";
import { type Machine, thisMachine } from "../../host/paths.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { createLogger, type Logger } from "../../telemetry/log.ts";

const DEFAULT_LISTEN = "127.0.0.1:8080";

/** Flags of every `platform` command. */
export const databaseArgs = {
  "data-dir": {
    type: "string",
    description:
      "Directory of the database (or SALLYPORT_DATA_DIR; default /var/lib/sallyport/platform, or below your home)",
    valueHint: "directory",
  },
  "database-url": {
    type: "string",
    description: "PostgreSQL instead of SQLite: postgres://... (or SALLYPORT_DATABASE_URL, ..._FILE)",
    valueHint: "url",
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
} satisfies ArgsDef;

export const addressArgs = {
  listen: {
    type: "string",
    description: `Address to listen on (or SALLYPORT_LISTEN; default ${DEFAULT_LISTEN})`,
    valueHint: "host:port",
  },
  "public-url": {
    type: "string",
    description: "Where people and agents reach the platform (or SALLYPORT_PUBLIC_URL)",
    valueHint: "url",
  },
} satisfies ArgsDef;

interface DatabaseFlags {
  "data-dir"?: string | undefined;
  "database-url"?: string | undefined;
  "log-format"?: string | undefined;
  "log-level"?: string | undefined;
}

interface AddressFlags {
  listen?: string | undefined;
  "public-url"?: string | undefined;
}

export interface DatabaseSettings {
  dataDir: string;
  databaseUrl: string | undefined;
  env: Machine["env"];
  log: Logger;
}

/** @throws SallyportError FILE_UNREADABLE */
export async function databaseSettings(flags: DatabaseFlags): Promise<DatabaseSettings> {
  const machine = thisMachine();
  const { env } = machine;
  const log = createLogger({
    format: flags["log-format"] === "json" ? "json" : "text",
    level: logLevel(flags["log-level"]),
  });
  const flag = flags["database-url"];
  if (flag !== undefined && URL.canParse(flag) && new URL(flag).password !== "") {
    log.warn(
      "A password in --database-url can be read by every user of this machine: use SALLYPORT_DATABASE_URL_FILE",
    );
  }
  return {
    dataDir: flags["data-dir"] ?? setting(env, "DATA_DIR") ?? defaultDataDir(machine),
    databaseUrl: flag ?? (await secret(env, "DATABASE_URL")),
    env,
    log,
  };
}

/** @throws SallyportError USAGE, CONFIG_INVALID */
export function addressSettings(
  flags: AddressFlags,
  env: Machine["env"],
): { listen: HostPort; publicUrl: string | undefined } {
  const listen = parseHostPort(flags.listen ?? setting(env, "LISTEN") ?? DEFAULT_LISTEN, "--listen");
  const given = flags["public-url"] ?? setting(env, "PUBLIC_URL");
  return { listen, publicUrl: given === undefined ? undefined : publicUrl(given) };
}

/** Plain http is the operator's own decision here: a proxy in front may speak TLS. */
function publicUrl(text: string): string {
  const url = normaliseDomain(text, { insecureHttp: true });
  if (new URL(url).pathname === "/") return url;
  throw new SallyportError("CONFIG_INVALID", "--public-url has to be scheme://host[:port], without a path.");
}

/** Plain http only to this machine: who is let in depends on the answer. @throws SallyportError CONFIG_INVALID */
export function stsEndpoint(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const given = URL.parse(text);
  const isLocalHttp = given?.protocol === "http:" && isLoopback(given.hostname);
  if ((given?.protocol === "https:" || isLocalHttp) && given.pathname === "/") {
    return normaliseDomain(text, {});
  }
  throw new SallyportError(
    "CONFIG_INVALID",
    "--aws-sts-endpoint has to be https://host[:port] without a path; http:// only to this machine.",
  );
}

function logLevel(text: string | undefined): "debug" | "info" | "warn" | "error" {
  return text === "debug" || text === "warn" || text === "error" ? text : "info";
}

/** As for the daemons (host/paths.ts), of which there is one platform per machine. */
function defaultDataDir(machine: Machine): string {
  const absolute = (path: string | undefined) => (path && isAbsolute(path) ? path : undefined);
  const given = absolute(machine.env.STATE_DIRECTORY?.split(":")[0]);
  if (given) return given;
  if (machine.uid === 0) return "/var/lib/sallyport/platform";
  const state = absolute(machine.env.XDG_STATE_HOME) ?? join(machine.home, ".local/state");
  return join(state, "sallyport", "platform");
}
