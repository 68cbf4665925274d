import { type Clock, settlesWithin, sleepFor, systemClock } from "../host/clock.ts";
import type { CredentialSource, GatewayCredentials, GatewayRelay } from "../pki/credentials.ts";
import type { GatewayConnect, GatewayConnectRequest } from "../platform-client/calls/gateway-agent.ts";
import type { RelayRow } from "../platform-client/calls/relays.ts";
import { generateOwnKeys, type OwnKeys } from "../platform-client/own-keys.ts";
import { Conditions } from "../telemetry/conditions.ts";
import { asSallyportError, describe, SallyportError } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import { renewalFailed, renewalWorked } from "../telemetry/platform-conditions.ts";
import type { CredentialsCache } from "./credentials-cache.ts";
import { type Issued, issuedCredentials } from "./issued.ts";
import { RelayWish, type RelayWishOptions } from "./relay-wish.ts";
import { RepeatedWarning } from "./repeated-warning.ts";
import { TUNNELS } from "./settings.ts";

export interface PlatformSourceOptions {
  platform: {
    gatewayConnect(body: GatewayConnectRequest, ask?: { signal?: AbortSignal }): Promise<GatewayConnect>;
    listRelays(ask?: { signal?: AbortSignal }): Promise<RelayRow[]>;
  };
  gatewayName: string;
  /** Names of the only relays to use, in order of preference; none: whichever are best. */
  relays: string[];
  /** How many tunnels, where no relay is named; 2 unless told. */
  tunnels?: number | undefined;
  /** How far away a relay is; see `RelayWishOptions`. */
  measure: RelayWishOptions["measure"];
  cache: CredentialsCache;
  /** Where it says that it gets no certificates; nowhere unless told. */
  conditions?: Conditions;
  log: Logger;
  clock?: Clock;
  /** Uniform in [0, 1). */
  random?: () => number;
  generateKeys?: () => Promise<OwnKeys>;
  /** What to do when the platform refuses the gateway, where that is not to enroll again. */
  refusedFix?: string | undefined;
}

/** PROTOCOL 0.2: a failed connect call is retried for ever; renewal at least this often. */
const RETRY_MS = 10_000;
/**
 * While the certificates at hand last longer than that, retries spread over as much time as heartbeats do: after an
 * outage of the platform its gateways come back as one more heartbeat each (ACCEPTANCE F15).
 */
const HURRY_MS = 3_600_000;
const CALM_RETRY_MS = 180_000;
const RENEW_MS = 6 * 3_600_000;
/** Two tunnels lost at once, or one that flaps, need one connect call. */
const FRESH_MS = 10_000;
/** How long valid credentials wait for the platform before they are used as they are. */
const PATIENCE_MS = 5000;
/** Renewal at the soonest, whatever the clocks say. */
const LEAST_RENEW_MS = 60_000;

/**
 * A gateway's credentials from its platform: fetched at start, whenever asked again (after each lost tunnel) and before
 * they expire, with keys made here. Valid ones are kept on disk and serve while the platform is away (ACCEPTANCE F5).
 * The platform never makes it fail: it logs what to do and goes on trying.
 */
export class PlatformSource implements CredentialSource<GatewayCredentials> {
  readonly #options: PlatformSourceOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<() => void>();
  #current: Issued | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #registered = false;
  #renewal = new AbortController();
  /** What is being asked for now is no longer what is wanted. */
  #askAgain = false;
  #moving: Promise<void> | undefined;
  readonly #wish: RelayWish;
  #refreshing: Promise<void> | undefined;
  #attempt = Promise.withResolvers<void>();
  readonly #warning: RepeatedWarning;
  readonly #conditions: Conditions;

  constructor(options: PlatformSourceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#warning = new RepeatedWarning(options.log, this.#clock);
    this.#random = options.random ?? Math.random;
    this.#conditions = options.conditions ?? new Conditions();
    this.#wish = new RelayWish({
      pinned: options.relays,
      tunnels: options.tunnels ?? TUNNELS,
      list: (signal) => options.platform.listRelays({ signal }),
      measure: options.measure,
      clock: this.#clock,
      random: this.#random,
    });
  }

  /** Waits for the platform as long as there is nothing valid to use. @throws SallyportError DRAINING when closed */
  async load(): Promise<GatewayCredentials> {
    this.#current ??= await this.#options.cache.read();
    if (!this.#fresh()) {
      const refreshed = this.#refresh();
      await settlesWithin(this.#clock, this.#attempt.promise, PATIENCE_MS, this.#stop.signal);
      if (!this.#usable()) await refreshed;
    }
    const usable = this.#usable();
    if (usable) return usable.credentials;
    throw new SallyportError("DRAINING", "The gateway is shutting down.");
  }

  onStale(listener: () => void): void {
    this.#listeners.add(listener);
  }

  close(): void {
    this.#listeners.clear();
    this.#stop.abort();
    this.#renewal.abort();
    this.#options.cache.close();
  }

  /** Asks for newer certificates now, however new those at hand are. Never fails. */
  renew(): void {
    this.#askAgain = true;
    void this.#refresh();
  }

  /**
   * This relay could not be reached so many times in a row, or is about to stop (Infinity). Gets credentials for
   * another one, if there is one to be had and none is pinned. Never fails.
   */
  lookElsewhere(relay: GatewayRelay, failures: number): void {
    this.#moving ??= this.#lookElsewhere(relay, failures).finally(() => {
      this.#moving = undefined;
    });
  }

  async #lookElsewhere(relay: GatewayRelay, failures: number): Promise<void> {
    const present = this.#current?.credentials.relays ?? [];
    try {
      if (await this.#wish.movedAway(relay, failures, present, this.#stop.signal)) this.renew();
    } catch (error) {
      this.#options.log.debug("The relays can't be listed", { reason: describe(error) });
    }
  }

  #fresh(): boolean {
    return Math.abs(this.#clock.now() - this.#fetchedAt) < FRESH_MS;
  }

  /** What was just issued counts whatever this machine's clock says: its peers judge it by theirs. */
  #usable(): Issued | undefined {
    const issued = this.#current;
    return issued && (this.#fresh() || isValid(issued, this.#clock.now())) ? issued : undefined;
  }

  /** One at a time, until it works or the source is closed. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#fetchUntilDone().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #fetchUntilDone(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#askAgain = false;
      const done = await this.#tryFetch();
      this.#attempt.resolve();
      this.#attempt = Promise.withResolvers();
      if (done && !this.#askAgain) return;
      if (done) continue;
      await sleepFor(this.#clock, this.#retryMs(), signal);
    }
  }

  #retryMs(): number {
    const isCalm = this.#current !== undefined && this.#current.validUntil - this.#clock.now() > HURRY_MS;
    const span = isCalm && this.#usable() ? CALM_RETRY_MS - RETRY_MS : 0.2 * RETRY_MS;
    return RETRY_MS * 0.9 + span * this.#random();
  }

  async #tryFetch(): Promise<boolean> {
    try {
      await this.#fetch();
      return true;
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#complain(error);
      return false;
    }
  }

  async #fetch(): Promise<void> {
    const { gatewayName, cache, log } = this.#options;
    const keys = await (this.#options.generateKeys ?? generateOwnKeys)();
    const answer = await this.#connect(keys);
    this.#current = issuedCredentials(answer, keys, gatewayName, this.#wish.request.relayName);
    this.#wish.answered(answer);
    this.#fetchedAt = this.#clock.now();
    this.#warning.over();
    renewalWorked(this.#conditions);
    this.#judgeClock(this.#current);
    if (!this.#registered) log.info("Successfully registered gateway and received certificates");
    this.#registered = true;
    await cache.write(this.#current);
    this.#scheduleRenewal(this.#current);
    for (const listener of this.#listeners) listener();
  }

  async #connect(keys: OwnKeys): Promise<GatewayConnect> {
    const { signal } = this.#stop;
    const call = () =>
      this.#options.platform.gatewayConnect({ ...this.#wish.request, ...keys.parts }, { signal });
    try {
      return await call();
    } catch (error) {
      if (await this.#wish.chosenInstead(error, signal)) return call();
      throw error;
    }
  }

  /** Between half and two thirds of the life (ACCEPTANCE, Lifetimes), so that those who started together spread out. */
  #scheduleRenewal(issued: Issued): void {
    const life = issued.validUntil - this.#fetchedAt;
    const wait = Math.min(life * (1 / 2 + this.#random() / 6), RENEW_MS * (1 - 0.1 * this.#random()));
    this.#renewal.abort();
    this.#renewal = new AbortController();
    if (!this.#stop.signal.aborted)
      void this.#renewAfter(Math.max(wait, LEAST_RENEW_MS), issued, this.#renewal.signal);
  }

  /** Sooner when a clock that jumps makes them worthless (ACCEPTANCE F4). */
  async #renewAfter(milliseconds: number, issued: Issued, signal: AbortSignal): Promise<void> {
    let wasValid = this.#isValidHere(issued);
    await sleepFor(this.#clock, milliseconds, signal, () => {
      const before = wasValid;
      wasValid = this.#isValidHere(issued);
      if (wasValid) this.#conditions.clear("clock");
      return before && !wasValid;
    });
    if (!signal.aborted) await this.#refresh();
  }

  #isValidHere(issued: Issued): boolean {
    return isValid(issued, this.#clock.now());
  }

  /** What was just issued is valid, by the platform's clock. */
  #judgeClock(issued: Issued): void {
    if (isValid(issued, this.#fetchedAt)) return this.#conditions.clear("clock");
    const text =
      "The clock of this machine is wrong: certificates that the platform just issued are not valid";
    const fix = "Set the clock, for example with NTP";
    this.#options.log.warn(text, { fix });
    this.#conditions.raise("clock", "CLOCK_WRONG", { text: `${text}.`, fix: `${fix}.` });
  }

  #complain(error: unknown): void {
    const { message, code } = asSallyportError(error, "INTERNAL", "The connect call failed");
    const meanwhile = this.#usable() ? "working with the certificates at hand" : "no certificates yet";
    this.#warning.warn(`Cannot get certificates, trying again (${meanwhile}): ${message}`, {
      code,
      fix: this.#fixOf(code),
    });
    renewalFailed(this.#conditions, error, this.#fixOf(code));
  }

  #fixOf(code: string): string | undefined {
    const { gatewayName, relays, refusedFix } = this.#options;
    if (code === "UNAUTHENTICATED" || code === "FORBIDDEN" || code === "GATEWAY_REVOKED") {
      if (refusedFix !== undefined) return refusedFix;
      return (
        "This gateway was revoked, deleted, or enrolled again elsewhere. To run it here, get a new token with " +
        `"sallyport gateway deploy-command ${gatewayName}" and start it with that`
      );
    }
    if (code === "NOT_FOUND") {
      return relays.length > 0
        ? `Check that the relay ${relays.join(", ")} exists, and that the gateway has not been deleted`
        : "Start a relay, or name the one to use with --relay";
    }
    return undefined;
  }
}

function isValid(issued: Issued, now: number): boolean {
  return issued.validFrom <= now && now < issued.validUntil;
}
