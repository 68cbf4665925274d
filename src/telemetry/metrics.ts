import { readdirSync } from "node:fs";
import { type Aggregator, Counter, Gauge, Registry } from "prom-client";
import { type Parts, summed } from "./parts.ts";

type SetGauges = () => void;

/**
 * The numbers of one daemon, in Prometheus' terms. There is no global registry: whoever counts is given this. Nothing
 * is counted per packet: bytes are summed up when somebody asks, handshakes and connections when they are over.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #beforeRead = new Set<SetGauges>();
  /** Other processes whose numbers are to be added. */
  parts: Parts | undefined;

  /** Always 1. */
  readonly info = this.#gauge(
    "sallyport_info",
    "Which program this is",
    ["version", "role", "name"],
    "first",
  );

  readonly openConnections = this.#gauge("sallyport_open_connections", "Connections that are open", ["mode"]);
  /** `mode`: client or heartbeat on a relay; tcp, http, ping or health on a gateway. `cause`: ENDED or a code. */
  readonly connections = this.#counter("sallyport_connections_total", "Connections that are over", [
    "mode",
    "cause",
  ]);
  /** Up is from the client to the target. */
  readonly bytes = this.#counter("sallyport_bytes_total", "Bytes carried for clients", ["direction"]);
  /** `protocol`: ssh or tls. `result`: OK or a code. */
  readonly handshakes = this.#counter("sallyport_handshakes_total", "Logins and TLS handshakes", [
    "protocol",
    "result",
  ]);
  readonly errors = this.#counter("sallyport_errors_total", "Errors by code, as in the log", ["code"]);
  readonly certificateExpiry = this.#gauge(
    "sallyport_certificate_expiry_timestamp_seconds",
    "When each certificate in use ends",
    ["certificate"],
  );
  /** How many, by code; those that a higher cause explains are left out. */
  readonly conditions = this.#gauge("sallyport_conditions", "Conditions that hold now", ["code", "severity"]);
  readonly windowUsed = this.#gauge("sallyport_window_budget_used_bytes", "Receive windows granted to peers");
  readonly windowLimit = this.#gauge("sallyport_window_budget_limit_bytes", "Receive windows at most");
  /** Gateway only. `state`: up, connecting or waiting. */
  readonly tunnels = this.#gauge("sallyport_tunnels", "Tunnels to relays", ["relay", "state"]);
  /** Relay only. */
  readonly gateways = this.#gauge("sallyport_gateways", "Gateways connected to this relay");
  /** Relay only. */
  readonly unauthenticated = this.#gauge(
    "sallyport_unauthenticated_connections",
    "Connections that have not said who they are yet",
  );
  readonly eventLoopLag = this.#gauge(
    "sallyport_event_loop_lag_seconds",
    "Longest delay of a timer within the last half minute",
    [],
    "max",
  );

  constructor() {
    this.#watchProcess();
  }

  /** `set` runs before each reading, for what is known elsewhere and only copied. Returns what takes it out again. */
  beforeRead(set: SetGauges): () => void {
    this.#beforeRead.add(set);
    return () => void this.#beforeRead.delete(set);
  }

  /** Prometheus' text format. */
  async text(): Promise<string> {
    return (await this.#all()).metrics();
  }

  /** For `Part`. */
  async values(): Promise<object[]> {
    for (const set of this.#beforeRead) set();
    return this.#registry.getMetricsAsJSON();
  }

  /** Of `text`, for HTTP. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Names of everything that is measured. */
  names(): string[] {
    return this.#registry.getMetricsAsArray().map(({ name }) => name);
  }

  /** The error counts so far, by code. */
  async errorCounts(): Promise<Record<string, number>> {
    const all = await (await this.#all()).getMetricsAsJSON();
    const errors = all.find(({ name }) => name === "sallyport_errors_total")?.values ?? [];
    return Object.fromEntries(errors.map(({ labels, value }) => [String(labels.code), value]));
  }

  async #all(): Promise<Registry> {
    const parts = await this.parts?.ask();
    if (parts) return summed([await this.values(), ...parts.map(({ metrics }) => metrics)]);
    for (const set of this.#beforeRead) set();
    return this.#registry;
  }

  /** The names that every Prometheus client uses, so that common dashboards work. */
  #watchProcess(): void {
    const cpu = this.#counter("process_cpu_seconds_total", "CPU time of this process");
    const memory = this.#gauge("process_resident_memory_bytes", "Resident memory of this process");
    const files = this.#gauge("process_open_fds", "Open file descriptors of this process");
    const started = this.#gauge("process_start_time_seconds", "When this process was started", [], "first");
    started.set(Math.round(Date.now() / 1000 - process.uptime()));
    this.beforeRead(() => {
      const { user, system } = process.cpuUsage();
      cpu.reset();
      cpu.inc((user + system) / 1e6);
      memory.set(process.memoryUsage.rss());
      files.set(openFiles());
    });
  }

  #counter<L extends string = never>(name: string, help: string, labelNames: L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  /** @param aggregator how those of several processes make one */
  #gauge<L extends string = never>(
    name: string,
    help: string,
    labelNames: L[] = [],
    aggregator: Aggregator = "sum",
  ): Gauge<L> {
    return new Gauge({ name, help, labelNames, aggregator, registers: [this.#registry] });
  }
}

/** 0 where the system does not say (only Linux does). */
function openFiles(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}
