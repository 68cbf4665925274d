import { type Clock, systemClock } from "../host/clock.ts";
import { Spread } from "../host/spread.ts";
import type { CredentialSource, GatewayCredentials, GatewayRelay } from "../pki/credentials.ts";
import { gatewayLifetimes } from "../pki/lifetimes.ts";
import type { Follow } from "../platform-client/event-stream.ts";
import { asSallyportError, describe } from "../telemetry/error.ts";
import { createInstruments, type Instruments } from "../telemetry/instruments.ts";
import type { Logger } from "../telemetry/log.ts";
import { probeFailed, probeWorked } from "../telemetry/platform-conditions.ts";
import type { RoleStatus } from "../telemetry/status.ts";
import { sshLimits } from "../tunnel/limit-table.ts";
import { type DialOptions, dialSsh } from "../tunnel/ssh/dial.ts";
import { WindowBudget } from "../tunnel/ssh/window.ts";
import type { ConnectionJournal } from "./accounting.ts";
import { type ChannelServer, openChannelServer } from "./channel-server.ts";
import { CurrentCredentials } from "./current-credentials.ts";
import { keepHeartbeat } from "./heartbeat.ts";
import { DEFAULT_GATEWAY_LIMITS, type GatewayLimits } from "./limits.ts";
import { keepLoadReports } from "./load-report.ts";
import { PlatformNews } from "./platform-events.ts";
import type { RelayLinkOptions, TunnelStatus } from "./relay-link.ts";
import { RelayLinks } from "./relay-links.ts";
import type { Loss } from "./relay-loss.ts";
import type { DialRequest, RelayConnection } from "./relay-session.ts";
import type { TargetPolicy } from "./target-policy.ts";
import { TunnelConditions } from "./tunnel-conditions.ts";

export interface GatewayOptions {
  /** Closed with the gateway. */
  credentials: CredentialSource<GatewayCredentials>;
  policy: TargetPolicy & { reload?: () => Promise<void> };
  /** What it counts into and says its conditions to; its own unless told. */
  instruments?: Instruments;
  log: Logger;
  /** Told of failed attempts in a row to reach a relay; may bring credentials for another one. */
  lookElsewhere?: (relay: GatewayRelay, failures: number) => void;
  /** Asks the platform for a probe; absent without a platform. */
  heartbeat?: (signal: AbortSignal) => Promise<void>;
  /** Tells the platform how many connections there are; absent without a platform. */
  reportLoad?: (activeChannels: number, signal: AbortSignal) => Promise<number | null>;
  /** Follows the platform's events; absent without a platform. */
  follow?: Follow;
  /** Keeps the account of connections; absent without a platform. Closed with the gateway. */
  accounting?: ConnectionJournal;
  /** Gets newer credentials now, whatever the age of those at hand. Never fails. */
  renew?: () => void;
  /** What to do when the platform has shut it out, where that is not to enroll again. */
  refusedFix?: string | undefined;
  /** Called each time that a tunnel comes up, with the relay's name or address. */
  onTunnel?: (relay: string) => void;
  /** The usual ones unless told. */
  limits?: GatewayLimits;
  clock?: Clock;
  /** Uniform in [0, 1). */
  random?: () => number;
  /** The proxy on the way to a relay, if there is one; directly unless told. */
  route?: ((host: string, port: number) => Pick<DialOptions, "proxy" | "proxyCaFile">) | undefined;
  /** Instead of SSH over TCP. */
  dial?: RelayLinkOptions["dial"];
}

export interface Gateway {
  tunnels(): TunnelStatus[];
  status(): RoleStatus;
  /** Takes newer credentials and rules, if there are any, for what comes next. Never fails. */
  reload(): void;
  /** Takes no new connection, lets the present ones end, at most `graceMs`, then closes. */
  drain(graceMs: number): Promise<void>;
  /** Cuts everything now. Safe to call twice. */
  close(): void;
}

/**
 * Runs a gateway: one tunnel to each relay of its credentials, and a server for what comes through them. Returns once
 * there are credentials; the tunnels come up later and are kept up.
 * @throws SallyportError when there are no credentials
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const credentials = await options.credentials.load();
  const agent = new Agent(options, credentials);
  agent.start();
  return agent;
}

class Agent implements Gateway {
  readonly #options: GatewayOptions;
  readonly #clock: Clock;
  readonly #limits: GatewayLimits;
  readonly #budget: WindowBudget;
  readonly #instruments: Instruments;
  readonly #tunnelConditions: TunnelConditions;
  readonly #stop = new AbortController();
  readonly #links: RelayLinks;
  readonly #spread: Spread;
  readonly #credentials: CurrentCredentials;
  readonly #server: ChannelServer;
  #started = false;

  constructor(options: GatewayOptions, first: GatewayCredentials) {
    this.#options = options;
    this.#limits = options.limits ?? DEFAULT_GATEWAY_LIMITS;
    this.#budget = new WindowBudget(this.#limits.windowBudgetBytes);
    this.#clock = options.clock ?? systemClock;
    this.#spread = new Spread({
      act: () => options.renew?.(),
      clock: this.#clock,
      random: options.random ?? Math.random,
      signal: this.#stop.signal,
    });
    this.#instruments = options.instruments ?? createInstruments();
    this.#tunnelConditions = new TunnelConditions(this.#instruments.conditions);
    this.#credentials = new CurrentCredentials({
      source: options.credentials,
      first,
      apply: () => this.#applyCredentials(),
      conditions: this.#instruments.conditions,
      signal: this.#stop.signal,
      log: options.log,
    });
    this.#server = openChannelServer({
      credentials: () => this.#credentials.value,
      policy: options.policy,
      instruments: this.#instruments,
      accounting: options.accounting,
      log: options.log,
      budget: this.#budget,
      clock: this.#clock,
      limits: this.#limits,
    });
    this.#links = this.#openLinks();
  }

  start(): void {
    const { credentials, accounting } = this.#options;
    accounting?.start();
    this.#measure();
    this.#followRelays();
    credentials.onStale(() => void this.#credentials.reload());
    void this.#options.follow?.(this.#news(), this.#stop.signal);
  }

  tunnels(): TunnelStatus[] {
    return this.#links.tunnels();
  }

  status(): RoleStatus {
    const { used, limit } = this.#budget;
    return {
      id: this.#credentials.value.gatewayId,
      certificates: gatewayLifetimes(this.#credentials.value),
      windowBudget: { used, limit },
      tunnels: this.tunnels(),
    };
  }

  reload(): void {
    const { policy, log } = this.#options;
    void policy
      .reload?.()
      .catch((error: unknown) =>
        log.warn("The rules for targets can't be read; the present ones stay", { reason: describe(error) }),
      );
    void this.#credentials.reload();
  }

  async drain(graceMs: number): Promise<void> {
    this.#options.credentials.close();
    this.#stop.abort();
    await Promise.all([this.#links.drain(graceMs), this.#server.drain(graceMs)]);
    await this.#options.accounting?.close();
    this.close();
  }

  close(): void {
    this.#options.credentials.close();
    this.#stop.abort();
    this.#links.close();
    this.#server.close();
    void this.#options.accounting?.close();
  }

  #news(): PlatformNews {
    const { log, lookElsewhere } = this.#options;
    const { gatewayId, gatewayName } = this.#credentials.value;
    return new PlatformNews({
      gatewayId: () => this.#credentials.value.gatewayId,
      gatewayName: gatewayName ?? gatewayId,
      endAccess: (serials) => this.#server.endAccess(serials),
      renew: (withinMs) => this.#spread.within(withinMs),
      distrust: (fingerprints) => void this.#distrust(fingerprints),
      leaveRelay: (name) => {
        const relay = this.#credentials.value.relays.find(({ relayName }) => relayName === name);
        if (relay) lookElsewhere?.(relay, Number.POSITIVE_INFINITY);
      },
      refusedFix: this.#options.refusedFix,
      conditions: this.#instruments.conditions,
      log,
    });
  }

  /** What these authorities let in is cut, also where newer credentials were here before the event. */
  async #distrust(fingerprints: string[]): Promise<void> {
    await this.#credentials.distrust(fingerprints);
    if (this.#stop.signal.aborted) return;
    this.#options.log.warn(
      "The platform distrusts authorities of this gateway: what they signed is cut and refused",
    );
    this.#server.reload();
    this.#server.cut();
    this.#links.follow();
  }

  /** For what comes next; present connections stay, but for revoked ones. */
  #applyCredentials(): void {
    this.#server.reload();
    this.#followRelays();
  }

  #followRelays(): void {
    this.#links.follow();
    this.#tunnelConditions.check(this.tunnels());
  }

  #openLinks(): RelayLinks {
    const { log, random = Math.random } = this.#options;
    return new RelayLinks({
      credentials: () => this.#credentials.value,
      dial: (request) => this.#dial(request),
      accept: (channel, retiring) => this.#server.accept(channel, retiring),
      onUp: (relay) => this.#onUp(relay),
      onDown: (label, loss, relay) => this.#onDown(label, loss, relay),
      onDrainAdvice: (relay) => this.#options.lookElsewhere?.(relay, Number.POSITIVE_INFINITY),
      refresh: () => this.#credentials.reload(),
      log,
      clock: this.#clock,
      random,
    });
  }

  async #dial(request: DialRequest): Promise<RelayConnection> {
    const { log, route, dial = dialSsh } = this.#options;
    const { handshakes } = this.#instruments.metrics;
    try {
      const way = route?.(request.host, request.port);
      const connection = await dial({
        ...request,
        ...way,
        channelsAreTls: true,
        limits: sshLimits(this.#limits),
        budget: this.#budget,
        log,
      });
      handshakes.inc({ protocol: "ssh", result: "OK" });
      return connection;
    } catch (error) {
      const { code } = asSallyportError(error, "RELAY_UNREACHABLE", "The dial failed");
      handshakes.inc({ protocol: "ssh", result: code });
      throw error;
    }
  }

  #onDown(label: string, loss: Loss, relay: GatewayRelay): void {
    this.#instruments.metrics.errors.inc({ code: loss.code });
    this.#tunnelConditions.down(label, loss);
    this.#tunnelConditions.check(this.tunnels());
    if (loss.failures > 0) this.#options.lookElsewhere?.(relay, loss.failures);
  }

  /** Tunnels by their state, whenever metrics are read. */
  #measure(): void {
    const { metrics } = this.#instruments;
    metrics.beforeRead(() => {
      metrics.tunnels.reset();
      for (const { relay, state } of this.tunnels()) metrics.tunnels.set({ relay, state }, 1);
    });
  }

  #onUp(relay: string): void {
    this.#tunnelConditions.up(relay);
    this.#tunnelConditions.check(this.tunnels());
    if (!this.#started) {
      this.#started = true;
      this.#options.log.info("Gateway started successfully");
      this.#callThePlatform();
    }
    this.#options.onTunnel?.(relay);
  }

  /** From the first tunnel on, until the end. */
  #callThePlatform(): void {
    const { log, heartbeat, reportLoad, random = Math.random } = this.#options;
    const { conditions } = this.#instruments;
    const shared = { signal: this.#stop.signal, log, clock: this.#clock, random };
    if (heartbeat) {
      const onOutcome = (error: unknown) =>
        error === null ? probeWorked(conditions) : probeFailed(conditions, error);
      void keepHeartbeat({ beat: heartbeat, conditions: () => conditions.list(), onOutcome, ...shared });
    }
    if (reportLoad) {
      void keepLoadReports({ count: () => this.#server.sessions, report: reportLoad, ...shared });
    }
  }
}
