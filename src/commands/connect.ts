import { readFile } from "node:fs/promises";
import { followClientDirectory } from "../client/client-directory.ts";
import { httpPrologue } from "../client/http-prologue.ts";
import { listenLocal } from "../client/listen.ts";
import { type Admit, Opener } from "../client/opener.ts";
import { environmentOutbound, type Outbound } from "../client/outbound.ts";
import { PlatformAccess, type Wanted } from "../client/platform-access.ts";
import { probeGateway } from "../client/probe.ts";
import { serveStdio } from "../client/stdio.ts";
import { formatHostPort, parseHostPort } from "../host/address.ts";
import { setting } from "../host/environment.ts";
import { onShutdown } from "../host/signals.ts";
import { describe, SallyportError } from "../telemetry/error.ts";
import { createLogger, type LogLevel } from "../telemetry/log.ts";
import { command } from "./command.ts";
import { connectHint } from "./connect-hint.ts";
import { proxyArgs, runProxies } from "./connect-proxy.ts";
import { isLoopback, parseLocalPort } from "./local-port.ts";
import { printLine, say } from "./output.ts";
import { openSession, sessionArgs } from "./session.ts";

export default command({
  name: "connect",
  description: "Reach a private service: as a local port, or on stdin and stdout (for ssh's ProxyCommand)",
  args: {
    resource: { type: "positional", required: false, description: "Name of the resource" },
    gateway: { type: "string", description: "Name or id of a gateway, together with --target" },
    target: { type: "string", description: "host:port as the gateway sees it", valueHint: "host:port" },
    pki: {
      type: "string",
      description: "Directory made by `ca issue client`: no platform needed",
      valueHint: "dir",
    },
    listen: {
      type: "string",
      description: "Local port to listen on, on loopback unless a host is given; 0 takes a free one",
      valueHint: "[host:]port",
    },
    stdio: { type: "boolean", description: "Use stdin and stdout; the default when stdout is no terminal" },
    mode: {
      type: "enum",
      options: ["tcp", "http"],
      description: "With --gateway or --pki: how to speak to the target",
    },
    "target-ca": {
      type: "string",
      description: "HTTP mode: PEM file that an https target's certificate chains to",
      valueHint: "file",
    },
    "insecure-target": {
      type: "boolean",
      description: "HTTP mode: do not verify an https target's certificate",
    },
    "log-level": {
      type: "enum",
      options: ["debug", "info", "warn", "error"],
      description: "What to log",
      default: "warn",
    },
    json: { type: "boolean", description: "Print where it listens as JSON" },
    ...proxyArgs,
    ...sessionArgs,
  },
  async run({ args }) {
    const outbound = environmentOutbound(process.env, args["ca-file"] || setting(process.env, "CA_FILE"));
    if (args.socks5 !== undefined || args["http-proxy"] !== undefined) {
      requireProxyFlags(args);
      return runProxies(args, await readPrologue(args), outbound);
    }
    requireOneEnd(args);
    const admit = await chooseAdmission(args);
    const stdio = args.stdio || (!args.listen && !args.json && !process.stdout.isTTY);
    const prologue = await readPrologue(args);
    const opener = new Opener(admit, prologue, outbound);
    const open = () => opener.open();
    if (stdio) await serveStdio(open).finally(() => opener.close());
    else
      await forwardPort({
        opener,
        outbound,
        listen: args.listen ?? "127.0.0.1:0",
        json: args.json,
        level: args["log-level"],
      });
  },
});

interface Choice {
  resource?: string | undefined;
  gateway?: string | undefined;
  target?: string | undefined;
  pki?: string | undefined;
  mode?: "tcp" | "http" | undefined;
  domain?: string | undefined;
  "ca-file"?: string | undefined;
  "insecure-http"?: boolean | undefined;
}

/** Of two flags that say different things neither is left aside in silence. */
function requireOneEnd({ stdio, listen, json, resource, mode }: Ends): void {
  if (stdio && (listen !== undefined || json)) {
    throw new SallyportError(
      "USAGE",
      "--stdio uses this process's own input and output: give it without --listen and --json.",
    );
  }
  if (resource !== undefined && mode !== undefined) {
    throw new SallyportError(
      "USAGE",
      "--mode goes with --gateway or --pki: a resource has a mode of its own.",
    );
  }
}

interface Ends {
  stdio?: boolean | undefined;
  listen?: string | undefined;
  json?: boolean | undefined;
  resource?: string | undefined;
  mode?: string | undefined;
}

/** What a proxy is told which one target would need. */
const NOT_WITH_PROXY = ["resource", "target", "listen", "stdio", "mode"] as const;

function requireProxyFlags(
  args: { [flag in (typeof NOT_WITH_PROXY)[number]]?: string | boolean | undefined } & Choice,
) {
  const surplus = NOT_WITH_PROXY.find((flag) => args[flag] !== undefined && args[flag] !== false);
  if (surplus !== undefined || (args.gateway !== undefined && args.pki !== undefined)) {
    throw new SallyportError(
      "USAGE",
      "A proxy gets its targets from the programs that use it: give --socks5 or --http-proxy alone, with --gateway, or with --pki.",
    );
  }
}

async function chooseAdmission(args: Choice): Promise<Admit> {
  const ways = [args.resource, args.gateway, args.pki].filter((way) => way !== undefined).length;
  if (ways !== 1 || (args.gateway === undefined) !== (args.target === undefined)) {
    throw new SallyportError(
      "USAGE",
      'Say what to reach in one way: a resource\'s name, --gateway with --target, or --pki; "sallyport resource list" shows your resources.',
    );
  }
  const mode = args.mode ?? "tcp";
  if (args.pki !== undefined) {
    const current = followClientDirectory(args.pki);
    return async () => {
      const credentials = await current();
      return { credentials, ways: [credentials], mode, pooled: false, kind: mode };
    };
  }
  const access = new PlatformAccess(await openSession(args), wanted(args, mode));
  return (failed) => access.current(failed);
}

function wanted(args: Choice, kind: "tcp" | "http"): Wanted {
  if (args.gateway === undefined || args.target === undefined) return { resource: args.resource ?? "" };
  const { host, port } = parseHostPort(args.target, "--target");
  return { gateway: args.gateway, targetHost: host, targetPort: port, kind };
}

async function readPrologue(args: {
  "target-ca"?: string | undefined;
  "insecure-target"?: boolean | undefined;
}) {
  const file = args["target-ca"];
  if (file === undefined) return httpPrologue({ verify: !args["insecure-target"] });
  const authority = await readFile(file, "utf8").catch((cause) => {
    throw new SallyportError("FILE_UNREADABLE", `Cannot read --target-ca ${file}: ${describe(cause)}`, {
      cause,
    });
  });
  return httpPrologue({ verify: !args["insecure-target"], authority });
}

interface Forwarding {
  opener: Opener;
  outbound: Outbound;
  listen: string;
  json: boolean | undefined;
  level: LogLevel;
}

/** Checks the way to the gateway first, so that what is wrong is said now and not to the first client. */
async function forwardPort({ opener, outbound, listen, json, level }: Forwarding): Promise<void> {
  const { host, port } = parseLocalPort(listen, "--listen");
  const log = createLogger({ level });
  const { credentials, kind } = await opener.ways.through(
    async ({ credentials: way, known, relayTimeoutMs }) => {
      const relay = formatHostPort(way.relayHost, way.relayPort);
      say(`Connecting to gateway ${way.gatewayName ?? way.gatewayId} through relay ${relay} ...`);
      await probeGateway(way, { relayTimeoutMs, outbound });
      return { credentials: way, kind: known.kind };
    },
  );
  const gateway = credentials.gatewayName ?? credentials.gatewayId;
  const onError = (error: SallyportError) => say(`sallyport: ${error.message} [${error.code}]`);
  const open = () => opener.open();
  const forward = await listenLocal({ hostname: host, port, open, log, onError });
  const address = formatHostPort(host, forward.port);
  const { target } = credentials;
  const hint = target && connectHint({ kind, host, port: forward.port, target: target.host });
  if (json) printLine(JSON.stringify({ listening: address, host, port: forward.port, gateway, kind, hint }));
  else printLine(address);
  say(
    `Forwarding ${address} to ${target ? formatHostPort(bareHost(target.host), target.port) : "the target"}. Ctrl-C stops.`,
  );
  if (!isLoopback(host))
    say("Other machines can reach this port, too: what they do with it is done in your name.");
  if (hint !== undefined) say(`Use it with: ${hint}`);
  await onShutdown(() => forward.close().then(() => opener.close()), { log });
}

/** HTTP mode's targets may carry a scheme. */
function bareHost(host: string): string {
  return host.replace(/^https?:\/\//, "");
}
