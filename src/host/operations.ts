import { checkCertificates, measureCertificates } from "../telemetry/certificates.ts";
import { describe, SallyportError } from "../telemetry/error.ts";
import { EventLoopLag } from "../telemetry/event-loop.ts";
import type { Instruments } from "../telemetry/instruments.ts";
import type { ProcessLog } from "../telemetry/log.ts";
import { together } from "../telemetry/parts.ts";
import type { DaemonState, DaemonStatus, RoleStatus } from "../telemetry/status.ts";
import { VERSION } from "../version.ts";
import type { HostPort } from "./address.ts";
import { type ControlServer, openControl } from "./control/server.ts";
import { DescriptorWatch } from "./descriptor-watch.ts";
import { type MetricsServer, serveMetrics } from "./metrics-server.ts";
import { onHangup } from "./signals.ts";

export interface OperationsOptions {
  role: "gateway" | "relay";
  name: string;
  runtimeDirectory: string;
  /** Where to serve metrics; nowhere when absent. */
  metrics?: HostPort | undefined;
  instruments: Instruments;
  log: ProcessLog;
}

/** The part of a running gateway or relay that its operator sees and turns. */
export interface Operable {
  status(): RoleStatus;
  /** Takes newer credentials and settings, as far as there are any; never fails. */
  reload(): void;
}

const NEWEST = 100;
const CHECK_MS = 5_000;
/** Above this share of the budget new connections get small windows only. */
const BUDGET_SHORT = 0.9;

/**
 * What a daemon offers its operator from start to exit: the control socket, metrics, SIGHUP, and conditions that come
 * with time. Opened before the daemon, so that one that waits for its platform can be asked why.
 * @throws SallyportError ALREADY_EXISTS when it runs already; PORT_IN_USE
 */
export async function openOperations(options: OperationsOptions): Promise<Operations> {
  const operations = new Operations(options);
  try {
    await operations.open();
    return operations;
  } catch (error) {
    operations.close();
    throw error;
  }
}

export class Operations {
  readonly #options: OperationsOptions;
  readonly #since = new Date();
  readonly #lag = new EventLoopLag();
  #stopListening: (() => void) | undefined;
  readonly #timer = setInterval(() => this.#check(), CHECK_MS);
  readonly #descriptors: DescriptorWatch;
  #state: DaemonState = "starting";
  #daemon: Operable | undefined;
  #metrics: MetricsServer | undefined;
  #control: ControlServer | undefined;

  constructor(options: OperationsOptions) {
    this.#options = options;
    this.#descriptors = new DescriptorWatch({ conditions: options.instruments.conditions, log: options.log });
    this.#timer.unref();
  }

  async open(): Promise<void> {
    const { role, name, instruments, metrics: listen, log } = this.#options;
    const { metrics, ports } = instruments;
    metrics.info.set({ version: VERSION, role, name }, 1);
    this.#lag.measureInto(metrics);
    measureCertificates(() => this.#daemon?.status().certificates ?? [], instruments);
    metrics.beforeRead(() => this.#measureBudget());
    this.#stopListening = onHangup(() => this.#reload());
    await this.#openControl();
    if (!listen) return;
    this.#metrics = serveMetrics(listen, metrics);
    ports.push(this.#metrics.port);
    log.info("Serving metrics", { address: this.#metrics.address });
  }

  /** It is up. */
  running(daemon: Operable): void {
    this.#daemon = daemon;
    if (this.#state === "starting") this.#state = "running";
    this.#check();
  }

  draining(): void {
    this.#state = "draining";
    this.#options.instruments.conditions.raise("drain", "DRAINING", {
      text: "It takes no new connections and waits for the present ones.",
      fix: "Start it again if it was not meant to stop.",
    });
  }

  /** Safe to call twice. */
  close(): void {
    this.#stopListening?.();
    clearInterval(this.#timer);
    this.#lag.close();
    this.#control?.close();
    this.#metrics?.close();
  }

  /** A daemon that works but can't be asked is better than none; two of them are not. */
  async #openControl(): Promise<void> {
    const { runtimeDirectory, log } = this.#options;
    try {
      this.#control = await openControl({
        runtimeDirectory,
        status: () => this.#status(),
        reload: () => this.#reload(),
        setLogLevel: (level) => {
          log.level = level;
          log.info("The log level was changed", { level });
        },
      });
    } catch (error) {
      if (error instanceof SallyportError && error.code === "ALREADY_EXISTS") throw error;
      log.warn("There is no control socket: status, reload and log-level won't work", {
        reason: describe(error),
      });
    }
  }

  #reload(): void {
    this.#options.log.info("Reloading");
    this.#daemon?.reload();
  }

  async #status(): Promise<DaemonStatus> {
    this.#check();
    const { role, name, instruments, log } = this.#options;
    const { conditions, connections, metrics } = instruments;
    const daemon = this.#daemon?.status();
    const parts = (await metrics.parts?.ask()) ?? [];
    const memory = parts.reduce((sum, part) => sum + part.memoryBytes, process.memoryUsage.rss());
    const lag = Math.max(this.#lag.worst, ...parts.map((part) => part.eventLoopLagMs));
    return {
      role,
      name,
      id: daemon?.id ?? null,
      version: VERSION,
      pid: process.pid,
      since: this.#since.toISOString(),
      state: this.#state,
      logLevel: log.level,
      metrics: this.#metrics?.address ?? null,
      conditions: conditions.list(),
      tunnels: daemon?.tunnels,
      gateways: daemon?.gateways,
      listening: daemon?.listening,
      certificates: (daemon?.certificates ?? []).map(({ name, from, until }) => ({
        name,
        from: from.toISOString(),
        until: until.toISOString(),
      })),
      connections: together({ ...connections.totals(), newest: connections.list(NEWEST) }, parts, NEWEST),
      errors: await metrics.errorCounts(),
      windowBudget: daemon?.windowBudget ?? null,
      workers: daemon?.workers,
      process: { memoryBytes: memory, eventLoopLagMs: Math.round(lag) },
    };
  }

  #measureBudget(): void {
    const budget = this.#daemon?.status().windowBudget;
    if (!budget) return;
    this.#options.instruments.metrics.windowUsed.set(budget.used);
    this.#options.instruments.metrics.windowLimit.set(budget.limit);
  }

  /** Conditions that nobody raises at a moment of their own. */
  #check(): void {
    this.#descriptors.look();
    const status = this.#daemon?.status();
    if (!status) return;
    const { conditions } = this.#options.instruments;
    checkCertificates(status.certificates, { conditions }, new Date());
    const { used, limit } = status.windowBudget;
    if (used < limit * BUDGET_SHORT) return conditions.clear("budget");
    conditions.raise("budget", "WINDOW_BUDGET_SHORT", {
      text: `Peers may send ${used} of at most ${limit} bytes without asking again: new connections are slow or refused.`,
      fix: "Spread the load over more processes, or raise the limit window-budget-bytes of a relay.",
    });
  }
}
