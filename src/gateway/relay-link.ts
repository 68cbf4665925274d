import { formatHostPort } from "../host/address.ts";
import { type Clock, settlesWithin, sleepFor } from "../host/clock.ts";
import type { GatewayRelay } from "../pki/credentials.ts";
import { parseSshPublicKey } from "../pki/ssh-keys.ts";
import { asSallyportError } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import { relayLabel } from "./issued.ts";
import { type Loss, RelayLosses } from "./relay-loss.ts";
import {
  type DialRequest,
  type OfferedChannel,
  type RelayConnection,
  RelaySession,
} from "./relay-session.ts";
import { RepeatedWarning } from "./repeated-warning.ts";

export interface RelayLinkOptions {
  gatewayId: string;
  gatewayName: string;
  /** The newest credentials for this relay. */
  relay: () => GatewayRelay;
  /** Connects and logs in. @throws SallyportError */
  dial: (request: DialRequest) => Promise<RelayConnection>;
  /** Takes each channel that the relay opens. The signal aborts when its session should end. */
  accept: (channel: ByteStream, retiring: AbortSignal) => void;
  onUp: (relay: string) => void;
  /** There is no tunnel, after an attempt or a loss. */
  onDown?: (relay: string, loss: Loss) => void;
  /** The relay is about to stop. */
  onDrainAdvice?: () => void;
  /** Gets newer certificates, if there are any; never fails. */
  refresh: () => Promise<void>;
  log: Logger;
  clock: Clock;
  random: () => number;
}

export type TunnelState = "up" | "connecting" | "waiting";

export interface TunnelStatus {
  relay: string;
  state: TunnelState;
  /** Why it is not up: a code and a sentence. */
  reason?: string;
}

/** The tunnel to one relay, kept up until it is drained or closed. */
export interface RelayLink {
  status(): TunnelStatus;
  /** There are newer credentials. They are taken into use without a gap when those in use are worn. */
  renewed(): void;
  /** Opens no new session, lets the channels of the present ones end, at most `graceMs`. */
  drain(graceMs: number): Promise<void>;
  close(): void;
}

/** A platform that does not answer must not delay the next attempt for longer. */
const REFRESH_PATIENCE_MS = 3000;
/** Sessions that were replaced and still carry channels; the relay keeps as many. */
const MOST_OLDER = 64;
/** A replaced session beyond that gets this long. */
const OLDER_GRACE_MS = 30_000;
/** Our relays' global request, seconds before they stop. */
const DRAIN_ADVICE = "drain@sallyport";
/** Theirs, too: another session has taken this one's place, or its certificate has expired. */
const RETIRE_ADVICE = "retire@sallyport";
/** PROTOCOL 0.1: where a relay takes gateways unless told otherwise. */
const STANDARD_PORT = 2222;
/** RFC 4254, 5.1: SSH_OPEN_UNKNOWN_CHANNEL_TYPE. */
const UNKNOWN_CHANNEL_TYPE = 3;

/** Starts dialling at once. */
export function openRelayLink(options: RelayLinkOptions): RelayLink {
  return new Link(options);
}

class Link implements RelayLink {
  readonly #options: RelayLinkOptions;
  readonly #label: string;
  readonly #stop = new AbortController();
  readonly #losses: RelayLosses;
  readonly #warning: RepeatedWarning;
  readonly #finished: Promise<void>;
  /** Every session that is not over, oldest first: the relay ends a replaced one with its last channel. */
  readonly #sessions = new Set<RelaySession>();
  #renewal = new AbortController();
  #status: TunnelStatus;

  constructor(options: RelayLinkOptions) {
    this.#options = options;
    this.#label = relayLabel(options.relay());
    this.#losses = new RelayLosses(options.gatewayName, options.random);
    this.#warning = new RepeatedWarning(options.log, options.clock);
    this.#status = { relay: this.#label, state: "connecting" };
    this.#finished = this.#run();
  }

  status(): TunnelStatus {
    return this.#status;
  }

  renewed(): void {
    this.#renewal.abort();
    this.#renewal = new AbortController();
  }

  async drain(graceMs: number): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#sessions].map((session) => session.drain(graceMs)));
    this.close();
    await this.#finished;
  }

  close(): void {
    this.#stop.abort();
    for (const session of this.#sessions) session.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#status = { ...this.#status, state: "connecting" };
      const loss = await this.#attempt();
      if (signal.aborted) return;
      this.#report(loss);
      await this.#pause(loss, signal);
    }
  }

  /** Resolves when there is no tunnel any more. */
  async #attempt(): Promise<Loss> {
    const session = await this.#logIn();
    if (!(session instanceof RelaySession)) return session;
    const loss = await this.#unsettled(session);
    if (loss) return loss;
    this.#up(session.relay);
    return this.#serve(session);
  }

  /** Lets one session take the place of the one before when that is worn, until the last one is over. */
  async #serve(first: RelaySession): Promise<Loss> {
    let session = first;
    while (await this.#wearsOut(session)) {
      const next = await this.#logIn();
      const isSession = next instanceof RelaySession;
      const loss = isSession ? await this.#unsettled(next) : next;
      if (isSession && !loss) {
        session.retire();
        session = next;
        this.#boundOlder();
        this.#options.log.debug("The tunnel goes on with a newer certificate", { relay: this.#label });
      } else if (loss && !session.isOver) {
        this.#options.log.debug("The tunnel can't go over to a newer certificate yet", {
          reason: loss.message,
        });
        await this.#pause(loss, session.over);
      } else if (loss && isSession) {
        // It was replaced by our own newer session, which did not last.
        return loss;
      }
    }
    return this.#losses.lost(await session.closed, this.#options.clock.now() - session.since);
  }

  /** A session to which the relay has agreed, or why there is none. */
  async #logIn(): Promise<RelaySession | Loss> {
    const { clock, random } = this.#options;
    const relay = this.#options.relay();
    const retiring = new AbortController();
    try {
      const connection = await this.#dial(relay, retiring);
      const session = new RelaySession(connection, relay, clock, random, retiring);
      this.#sessions.add(session);
      void session.closed.then(() => this.#sessions.delete(session));
      if (this.#stop.signal.aborted) session.close();
      return session;
    } catch (error) {
      const failure = asSallyportError(error, "RELAY_UNREACHABLE", `No tunnel to ${this.#label}`);
      return this.#losses.refused(failure, relay, clock.now());
    }
  }

  #dial(relay: GatewayRelay, retiring: AbortController): Promise<RelayConnection> {
    const { dial, gatewayId } = this.#options;
    return dial({
      host: relay.host,
      port: relay.sshPort,
      username: gatewayId,
      identity: relay.ssh,
      hostAuthorities: () => this.#options.relay().hostAuthorities.map(parseSshPublicKey),
      hostPrincipal: principals(relay),
      onChannel: (channel) => this.#onChannel(channel, retiring.signal),
      onRequest: (name) => {
        if (name === DRAIN_ADVICE) this.#onDrainAdvice(retiring);
        if (name === RETIRE_ADVICE) retiring.abort();
      },
      signal: this.#stop.signal,
    });
  }

  /** Why the relay has ended the session right after the login; undefined when it has not. */
  async #unsettled(session: RelaySession): Promise<Loss | undefined> {
    if (await session.settles(this.#stop.signal)) return undefined;
    return session.isOurs ? this.#losses.lost(await session.closed, 0) : this.#losses.occupied(session.relay);
  }

  /** True when a session with newer credentials should take this one's place, false when it is over. */
  async #wearsOut(session: RelaySession): Promise<boolean> {
    const { clock, relay } = this.#options;
    while (!session.isOver) {
      const renewal = this.#renewal.signal;
      const wait = session.replaceAt(relay()) - clock.now();
      await sleepFor(clock, wait, AbortSignal.any([session.over, renewal]));
      if (!session.isOver && !renewal.aborted) return true;
    }
    return false;
  }

  #boundOlder(): void {
    const surplus = [...this.#sessions].slice(0, -MOST_OLDER - 1);
    for (const session of surplus) if (!session.isDraining) void session.drain(OLDER_GRACE_MS);
  }

  /** Waits until the next attempt is due, with newer certificates if they can be had meanwhile. */
  async #pause({ waitMs, refresh, needsRenewal }: Loss, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const early = needsRenewal ? AbortSignal.any([signal, this.#renewal.signal]) : signal;
    const refreshed = refresh && settlesWithin(clock, this.#options.refresh(), REFRESH_PATIENCE_MS, signal);
    await Promise.all([clock.sleep(waitMs, early), refreshed]);
  }

  #up(relay: GatewayRelay): void {
    if (this.#stop.signal.aborted) return;
    this.#status = { relay: this.#label, state: "up" };
    this.#warning.over();
    this.#options.log.info("Relay connection established for gateway", {
      relay: this.#label,
      address: formatHostPort(relay.host, relay.sshPort),
    });
    this.#options.onUp(this.#label);
  }

  #report(loss: Loss): void {
    const { code, message, fix, waitMs } = loss;
    this.#status = { relay: this.#label, state: "waiting", reason: `${code}: ${message}` };
    this.#warning.warn(message, { relay: this.#label, code, fix, retryInSeconds: Math.ceil(waitMs / 1000) });
    this.#options.onDown?.(this.#label, loss);
  }

  #onDrainAdvice(retiring: AbortController): void {
    retiring.abort();
    if (this.#stop.signal.aborted) return;
    this.#options.log.info("The relay is about to stop", { relay: this.#label });
    this.#options.onDrainAdvice?.();
  }

  /** Whatever the payload of a `direct-tcpip` is: the target comes with the TLS inside (PROTOCOL 0.2). */
  #onChannel(channel: OfferedChannel, retiring: AbortSignal): void {
    if (channel.type === "direct-tcpip") this.#options.accept(channel.accept(), retiring);
    else channel.reject(UNKNOWN_CHANNEL_TYPE, "a gateway takes direct-tcpip only");
  }
}

/** The port that the relay itself has may be another one than ours, behind a port mapping (EXTENSIONS X2). */
function principals({ host, sshPort }: GatewayRelay): string[] {
  return [...new Set([sshPort, STANDARD_PORT].map((port) => formatHostPort(host, port)))];
}
