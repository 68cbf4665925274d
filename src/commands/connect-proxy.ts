import { followClientDirectory } from "../client/client-directory.ts";
import type { LocalPort } from "../client/local-server.ts";
import type { Outbound } from "../client/outbound.ts";
import { listenHttpProxy } from "../client/proxy/http-port.ts";
import { Openers } from "../client/proxy/openers.ts";
import type { ProxyPortOptions } from "../client/proxy/port.ts";
import { type Reach, throughCertificate, throughGateway, throughResources } from "../client/proxy/reach.ts";
import type { Login } from "../client/proxy/socks5.ts";
import { listenSocks5 } from "../client/proxy/socks5-port.ts";
import { formatHostPort, type HostPort } from "../host/address.ts";
import { readTextFile } from "../host/bounded-file.ts";
import { onShutdown } from "../host/signals.ts";
import { SallyportError } from "../telemetry/error.ts";
import { createLogger, type LogLevel } from "../telemetry/log.ts";
import { isLoopback, parseLocalPort } from "./local-port.ts";
import { printLine, say } from "./output.ts";
import { openSession } from "./session.ts";

/** Flags of `connect` that make it a proxy. */
export const proxyArgs = {
  socks5: {
    type: "string",
    description:
      "Be a SOCKS5 proxy on this local port: for every resource, or behind --gateway for every target",
    valueHint: "[host:]port",
  },
  "http-proxy": {
    type: "string",
    description: "The same as an HTTP proxy; both may be given",
    valueHint: "[host:]port",
  },
  "proxy-login-file": {
    type: "string",
    description: "File with one line user:password, which programs then have to show to the proxy",
    valueHint: "file",
  },
  "open-to-network": {
    type: "boolean",
    description: "Allow the proxy to listen on an address that other machines can reach",
  },
} as const;

export interface ProxyFlags {
  socks5?: string | undefined;
  "http-proxy"?: string | undefined;
  "proxy-login-file"?: string | undefined;
  "open-to-network"?: boolean | undefined;
  gateway?: string | undefined;
  pki?: string | undefined;
  json?: boolean | undefined;
  "log-level": LogLevel;
  domain?: string | undefined;
  "ca-file"?: string | undefined;
  "insecure-http"?: boolean | undefined;
}

const LOGIN_LIMIT = 1024;

/** Serves local programs as a proxy until a signal. @throws SallyportError */
export async function runProxies(flags: ProxyFlags, prologue: Buffer, outbound: Outbound): Promise<void> {
  const listens = {
    socks5: flags.socks5 === undefined ? undefined : parseListen(flags.socks5, "--socks5", flags),
    httpProxy:
      flags["http-proxy"] === undefined ? undefined : parseListen(flags["http-proxy"], "--http-proxy", flags),
  };
  const login = await readLogin(flags["proxy-login-file"]);
  const openers = new Openers(await chooseReach(flags), prologue, { outbound });
  const log = createLogger({ level: flags["log-level"] });
  const common = {
    open: (target: HostPort) => openers.open(target),
    login,
    log,
    onError: (error: SallyportError) => say(`sallyport: ${error.message} [${error.code}]`),
  };
  const ports: LocalPort[] = [];
  const start = (listen: (options: ProxyPortOptions) => LocalPort, at: HostPort | undefined) => {
    if (!at) return undefined;
    const port = listen({ ...common, hostname: at.host, port: at.port });
    ports.push(port);
    return formatHostPort(at.host, port.port);
  };
  const socks5 = start(listenSocks5, listens.socks5);
  const httpProxy = start(listenHttpProxy, listens.httpProxy);
  if (flags.json) {
    printLine(JSON.stringify({ socks5, httpProxy }));
  } else {
    if (socks5) printLine(`socks5h://${socks5}`);
    if (httpProxy) printLine(`http://${httpProxy}`);
  }
  if (flags["open-to-network"] && !login) {
    say("Other machines may use this proxy with your rights, and without a login: see --proxy-login-file.");
  }
  say(`Reaching ${describeReach(flags)}. Ctrl-C stops.`);
  const close = async () => {
    await Promise.all(ports.map((port) => port.close()));
    await openers.close();
  };
  await onShutdown(close, { log });
}

async function chooseReach(flags: ProxyFlags): Promise<Reach> {
  const { pki, gateway } = flags;
  if (pki !== undefined) {
    const current = followClientDirectory(pki);
    await current();
    return throughCertificate(current);
  }
  const client = await openSession(flags);
  return gateway === undefined ? throughResources(client) : throughGateway(client, gateway);
}

function describeReach({ pki, gateway }: ProxyFlags): string {
  if (pki !== undefined) return `the target of the certificate in ${pki}`;
  return gateway === undefined
    ? "your resources, by name or by host and port"
    : `what you may reach behind ${gateway}`;
}

function parseListen(text: string, flag: string, flags: ProxyFlags): HostPort {
  const at = parseLocalPort(text, flag);
  if (isLoopback(at.host) || flags["open-to-network"]) return at;
  throw new SallyportError(
    "USAGE",
    `Whoever reaches ${flag} ${text} acts with your rights: listen on 127.0.0.1, or add --open-to-network.`,
  );
}

async function readLogin(file: string | undefined): Promise<Login | undefined> {
  if (file === undefined) return undefined;
  const text = await readTextFile(file, LOGIN_LIMIT);
  const [, username, password] = /^([^:\r\n]+):([^\r\n]+)\r?\n?$/.exec(text ?? "") ?? [];
  if (username !== undefined && password !== undefined) return { username, password };
  throw new SallyportError(
    text === undefined ? "FILE_UNREADABLE" : "CONFIG_INVALID",
    `--proxy-login-file ${file} must hold one line user:password.`,
  );
}
