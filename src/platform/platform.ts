import { probeGateway, probeRelay } from "../client/probe.ts";
import { probeRelaySsh } from "../client/probe-ssh.ts";
import { formatHostPort } from "../host/address.ts";
import { watchDescriptors } from "../host/descriptor-watch.ts";
import { SallyportError } from "../telemetry/error.ts";
import { createApi } from "./api/api.ts";
import { startHousekeeping } from "./housekeeping.ts";
import { type ListenOptions, openListener, type PlatformListener } from "./listen/platform-listener.ts";
import { type CoreOptions, openCore } from "./open-core.ts";
import { startGrantSweep } from "./services/access/grant-sweep.ts";
import { AlertDeliveries } from "./services/alerts/deliveries.ts";
import { evaluateAlerts } from "./services/alerts/evaluate.ts";
import { startRotationSweep } from "./services/authorities/rotation-sweep.ts";
import type { Core } from "./services/core.ts";
import { EventFeed } from "./services/events/event-feed.ts";
import { LoadReports } from "./services/gateways/load-reports.ts";
import { type Prober, Probes } from "./services/health/probes.ts";
import { HealthWatch } from "./services/health/watch.ts";
import { HealthWrites } from "./services/health/writes.ts";
import { FailureLimiter } from "./services/login/failure-limiter.ts";
import { RequestRate } from "./services/login/request-rate.ts";
import { announceReplica } from "./services/replica.ts";
import { offerSetupToken, removeSetupToken } from "./setup-token.ts";

export interface PlatformOptions extends Omit<CoreOptions, "publicUrl" | "onLoopback">, ListenOptions {
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

/** How long requests that are being answered may take to end. */
const GRACE_MS = 30_000;

/**
 * The control plane: HTTP API over a database. Everything that it prints carries the public URL.
 * @throws SallyportError PORT_IN_USE, USAGE, or what opening the database and the root key throws
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { listen, log } = options;
  if (options.publicUrl === undefined && !isLoopback(listen.hostname)) {
    throw new SallyportError(
      "USAGE",
      "Give --public-url, the address at which people and agents reach this platform: it is part of every deploy command.",
    );
  }
  let draining = false;
  let url = options.publicUrl?.replace(/\/+$/, "") ?? "";
  const core = await openCore({ ...options, onLoopback: isForThisMachine(options), publicUrl: () => url });
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
      rate: new RequestRate(),
      isDraining: () => draining,
      onBootstrapped: () => removeSetupToken(options.dataDir),
    });
    const listener = await openListener(options, api);
    const { port } = listener;
    url ||= `${options.tls ? "https" : "http"}://${formatHostPort(listen.hostname, port)}`;
    const housekeeping = startHousekeeping(core);
    const grantSweep = startGrantSweep(core);
    const watch = new HealthWatch(core, probes, [() => evaluateAlerts(core), () => alerts.round()]);
    watch.start();
    const rotationSweep = startRotationSweep(core);
    const shortage = watchDescriptors({ log });
    const replica = await announceReplica(core);
    await offerSetupToken(core, options.dataDir);
    log.info("Platform started", { url, listen: formatHostPort(listen.hostname, port) });
    const running = [housekeeping, grantSweep, watch, rotationSweep, shortage, feed, core.tokenUses];
    const end = closer(listener, core, { running, replica });
    let closing: Promise<void> | undefined;
    return {
      port,
      url,
      close(graceMs = GRACE_MS) {
        draining = true;
        closing ??= end(graceMs);
        return closing;
      },
    };
  } catch (error) {
    await core.store.close();
    throw error;
  }
}

/** What runs beside the API. */
interface Running {
  close(): void | Promise<void>;
}

function closer(
  listener: PlatformListener,
  core: Core,
  { running, replica }: { running: Running[]; replica: Running },
): (graceMs: number) => Promise<void> {
  return async (graceMs) => {
    const drained = listener.drain();
    await Promise.all(running.map((one) => one.close()));
    await Promise.race([drained, Bun.sleep(graceMs)]);
    await listener.close();
    await replica.close();
    await core.store.close();
  };
}

/** Nobody else can reach it: a public URL elsewhere, or a proxy, brings people who must not have it dial in here. */
function isForThisMachine({ listen, publicUrl, trustedProxies = [] }: ListenOptions): boolean {
  const named = publicUrl === undefined ? listen.hostname : new URL(publicUrl).hostname;
  return isLoopback(listen.hostname) && isLoopback(named) && trustedProxies.length === 0;
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === "localhost" || hostname.replace(/^\[|\]$/g, "") === "::1" || hostname.startsWith("127.")
  );
}
