import { probeGateway, probeRelay } from "../client/probe.ts";
import { probeRelaySsh } from "../client/probe-ssh.ts";
import { formatHostPort } from "../host/address.ts";
import { describe, SallyportError, systemCode } from "../telemetry/error.ts";
import { type Api, BODY_LIMIT, createApi } from "./api/api.ts";
import { startHousekeeping } from "./housekeeping.ts";
import { type CoreOptions, openCore } from "./open-core.ts";
import { AlertDeliveries } from "./services/alerts/deliveries.ts";
import { evaluateAlerts } from "./services/alerts/evaluate.ts";
import type { Core } from "./services/core.ts";
import { EventFeed } from "./services/event-feed.ts";
import { FailureLimiter } from "./services/failure-limiter.ts";
import { startGrantSweep } from "./services/grant-sweep.ts";
import { type Prober, Probes } from "./services/health/probes.ts";
import { HealthWatch } from "./services/health/watch.ts";
import { HealthWrites } from "./services/health/writes.ts";
import { LoadReports } from "./services/load-reports.ts";
import { announceReplica } from "./services/replica.ts";
import { startRotationSweep } from "./services/rotation-sweep.ts";
import { offerSetupToken, removeSetupToken } from "./setup-token.ts";

export interface PlatformOptions extends Omit<CoreOptions, "publicUrl" | "onLoopback"> {
  listen: { hostname: string; port: number };
  /** Where people and agents reach this platform. Needed unless it listens on loopback. */
  publicUrl?: string | undefined;
  /** How gateways and relays are looked for; dials them unless told. */
  prober?: Prober;
}

export interface Platform {
  port: number;
  /** The public URL, without a trailing slash. */
  url: string;
  /** Ends requests within `graceMs` (30 s unless told), then closes what is left. Safe to call twice. */
  close(graceMs?: number): Promise<void>;
}

/** Seconds without a byte on a connection; longer than the slowest answer. */
const IDLE_SECONDS = 35;

/**
 * The control plane: HTTP API over a database. Everything that it prints carries the public URL.
 * @throws SallyportError PORT_IN_USE, USAGE, or what opening the database and the root key throws
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { listen, log } = options;
  const onLoopback = isLoopback(listen.hostname);
  if (options.publicUrl === undefined && !onLoopback) {
    throw new SallyportError(
      "USAGE",
      "Give --public-url, the address at which people and agents reach this platform: it is part of every deploy command.",
    );
  }
  let url = options.publicUrl?.replace(/\/+$/, "") ?? "";
  const core = await openCore({ ...options, onLoopback, publicUrl: () => url });
  try {
    const prober = options.prober ?? { gateway: probeGateway, relay: probeRelay, relaySsh: probeRelaySsh };
    const feed = new EventFeed(core);
    const healthWrites = new HealthWrites(core.store, core.now);
    const probes = new Probes(core, prober, healthWrites);
    const alerts = new AlertDeliveries(core);
    const api = createApi({
      core,
      feed,
      probes,
      healthWrites,
      alerts,
      loads: new LoadReports(core),
      limiter: new FailureLimiter(core.now),
      onBootstrapped: () => removeSetupToken(options.dataDir),
    });
    const server = serve(api, listen);
    const port = server.port ?? listen.port;
    url ||= `http://${formatHostPort(listen.hostname, port)}`;
    const housekeeping = startHousekeeping(core);
    const grantSweep = startGrantSweep(core);
    const watch = new HealthWatch(core, probes, [() => evaluateAlerts(core), () => alerts.round()]);
    watch.start();
    const rotationSweep = startRotationSweep(core);
    const replica = await announceReplica(core);
    await offerSetupToken(core, options.dataDir);
    log.info("Platform started", { url, listen: formatHostPort(listen.hostname, port) });
    return {
      port,
      url,
      close: closer(server, core, [housekeeping, grantSweep, watch, rotationSweep, feed], replica),
    };
  } catch (error) {
    await core.store.close();
    throw error;
  }
}

function serve(api: Api, listen: { hostname: string; port: number }): Bun.Server<undefined> {
  try {
    return Bun.serve({
      ...listen,
      idleTimeout: IDLE_SECONDS,
      // A backstop: the API refuses at its own limit, in its own words.
      maxRequestBodySize: 2 * BODY_LIMIT,
      fetch: (request, server) => api.fetch(request, plainAddress(server.requestIP(request)?.address)),
    });
  } catch (error) {
    const where = formatHostPort(listen.hostname, listen.port);
    if (systemCode(error) === "EADDRINUSE") {
      throw new SallyportError(
        "PORT_IN_USE",
        `Something listens on ${where} already: choose another --listen.`,
      );
    }
    throw new SallyportError("CONFIG_INVALID", `Cannot listen on ${where}: ${describe(error)}.`, {
      cause: error,
    });
  }
}

function closer(
  server: Bun.Server<undefined>,
  core: Core,
  running: { close(): void | Promise<void> }[],
  replica: { close(): Promise<void> },
): (graceMs?: number) => Promise<void> {
  let closing: Promise<void> | undefined;
  const close = async (graceMs: number) => {
    await Promise.all(running.map((one) => one.close()));
    await Promise.race([server.stop(), Bun.sleep(graceMs)]);
    await server.stop(true);
    await replica.close();
    await core.store.close();
  };
  return (graceMs = 30_000) => {
    closing ??= close(graceMs);
    return closing;
  };
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || hostname.startsWith("127.");
}

/** On a dual-stack socket IPv4 peers look like ::ffff:192.0.2.1. */
function plainAddress(address: string | undefined): string {
  return address?.replace(/^::ffff:(?=\d+\.)/, "") ?? "unknown";
}
