import { makePrivateDirectory } from "../host/atomic-file.ts";
import { type Clock, systemClock } from "../host/clock.ts";
import type { CredentialSource, GatewayCredentials, GatewayRelay } from "../pki/credentials.ts";
import { describe } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import { type DialOptions, dialSsh } from "../tunnel/ssh/dial.ts";
import { WindowBudget } from "../tunnel/ssh/window.ts";
import { type ChannelServer, openChannelServer } from "./channel-server.ts";
import { keepHeartbeat } from "./heartbeat.ts";
import { relayLabel } from "./issued.ts";
import { openRelayLink, type RelayLink, type RelayLinkOptions, type TunnelStatus } from "./relay-link.ts";
import type { TargetPolicy } from "./target-policy.ts";

export interface GatewayOptions {
  /** Closed with the gateway. */
  credentials: CredentialSource<GatewayCredentials>;
  policy: TargetPolicy;
  /** For its sockets; made 0700. */
  runtimeDirectory: string;
  log: Logger;
  /** Asks the platform for a probe; absent without a platform. */
  heartbeat?: (signal: AbortSignal) => Promise<void>;
  /** Called each time that a tunnel comes up, with the relay's name or address. */
  onTunnel?: (relay: string) => void;
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
  /** Takes no new connection, lets the present ones end, at most `graceMs`, then closes. */
  drain(graceMs: number): Promise<void>;
  /** Cuts everything now. Safe to call twice. */
  close(): void;
}

/** A relay that is no longer listed, or has moved, serves its present connections for this long. */
const RETIRE_MS = 30_000;

/**
 * Runs a gateway: one tunnel to each relay of its credentials, and a server for what comes through them. Returns once
 * there are credentials; the tunnels come up later and are kept up.
 * @throws SallyportError when there are no credentials
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const credentials = await options.credentials.load();
  const agent = new Agent(options, credentials);
  await agent.start();
  return agent;
}

class Agent implements Gateway {
  readonly #options: GatewayOptions;
  readonly #clock: Clock;
  readonly #budget = new WindowBudget();
  readonly #stop = new AbortController();
  readonly #links = new Map<string, RelayLink>();
  #credentials: GatewayCredentials;
  #server: ChannelServer | undefined;
  #reloading: Promise<void> | undefined;
  #reloadAgain = false;
  #started = false;

  constructor(options: GatewayOptions, credentials: GatewayCredentials) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#credentials = credentials;
  }

  async start(): Promise<void> {
    const { policy, runtimeDirectory: directory, log, credentials } = this.#options;
    await makePrivateDirectory(directory);
    this.#server = await openChannelServer({
      credentials: () => this.#credentials,
      policy,
      directory,
      log,
      clock: this.#clock,
    });
    this.#followRelays();
    credentials.onStale(() => void this.#reload());
  }

  tunnels(): TunnelStatus[] {
    return [...this.#links.values()].map((link) => link.status());
  }

  async drain(graceMs: number): Promise<void> {
    this.#options.credentials.close();
    this.#stop.abort();
    await Promise.all([
      ...[...this.#links.values()].map((link) => link.drain(graceMs)),
      this.#server?.drain(graceMs),
    ]);
    this.close();
  }

  close(): void {
    this.#options.credentials.close();
    this.#stop.abort();
    for (const link of this.#links.values()) link.close();
    this.#server?.close();
  }

  /** Newest credentials for what comes next; present connections stay, but for revoked ones. Never fails. */
  #reload(): Promise<void> {
    this.#reloadAgain = true;
    this.#reloading ??= this.#reloadWhileAsked().finally(() => {
      this.#reloading = undefined;
    });
    return this.#reloading;
  }

  async #reloadWhileAsked(): Promise<void> {
    while (this.#reloadAgain && !this.#stop.signal.aborted) {
      this.#reloadAgain = false;
      try {
        await this.#loadAndApply();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#options.log.warn("The new credentials can't be used; going on with those at hand", {
          error: describe(error),
        });
      }
    }
  }

  async #loadAndApply(): Promise<void> {
    const credentials = await this.#options.credentials.load();
    if (this.#stop.signal.aborted || credentials === this.#credentials) return;
    this.#credentials = credentials;
    await this.#server?.reload();
    this.#followRelays();
    for (const link of this.#links.values()) link.renewed();
  }

  /** One link for each listed relay. A relay that has moved counts as another one. */
  #followRelays(): void {
    const { gatewayId, relays } = this.#credentials;
    const wanted = new Map(relays.map((relay) => [`${gatewayId} ${placeOf(relay)}`, relay]));
    for (const [place, link] of this.#links) {
      if (wanted.has(place)) continue;
      this.#links.delete(place);
      void link.drain(RETIRE_MS);
    }
    for (const [place, relay] of wanted) {
      if (!this.#links.has(place)) this.#links.set(place, this.#openLink(relay));
    }
  }

  #openLink(first: GatewayRelay): RelayLink {
    const { log, random = Math.random, route, dial } = this.#options;
    const { gatewayId, gatewayName } = this.#credentials;
    let latest = first;
    return openRelayLink({
      gatewayId,
      gatewayName: gatewayName ?? gatewayId,
      relay: () => {
        latest = this.#credentials.relays.find((relay) => placeOf(relay) === placeOf(first)) ?? latest;
        return latest;
      },
      dial:
        dial ??
        ((request) => {
          const way = route?.(request.host, request.port);
          return dialSsh({ ...request, ...way, budget: this.#budget, log });
        }),
      accept: (channel) => this.#server?.accept(channel),
      onUp: (relay) => this.#onUp(relay),
      refresh: () => this.#reload(),
      log,
      clock: this.#clock,
      random,
    });
  }

  #onUp(relay: string): void {
    const { log, heartbeat, random = Math.random, onTunnel } = this.#options;
    if (!this.#started) {
      this.#started = true;
      log.info("Gateway started successfully");
      const { signal } = this.#stop;
      if (heartbeat) void keepHeartbeat({ beat: heartbeat, signal, log, clock: this.#clock, random });
    }
    onTunnel?.(relay);
  }
}

function placeOf(relay: GatewayRelay): string {
  return `${relayLabel(relay)} ${relay.host} ${relay.sshPort}`;
}
