import { formatHostPort } from "../host/address.ts";
import { type Clock, settlesWithin } from "../host/clock.ts";
import type { GatewayRelay, SshIdentity } from "../pki/credentials.ts";
import { parseSshPublicKey } from "../pki/ssh-keys.ts";
import { asSallyportError, type SallyportError } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import { relayLabel } from "./issued.ts";
import { type Loss, RelayLosses } from "./relay-loss.ts";
import { RepeatedWarning } from "./repeated-warning.ts";

/** What a link uses of an SSH connection; `SshConnection` is one. */
export interface RelaySession {
  /** The identification line of the relay's SSH. */
  readonly peerIdent: string;
  onClosed(listener: (error: SallyportError | null) => void): void;
  disconnect(reason: number, text: string): void;
  drain(graceMs: number): Promise<void>;
}

interface OfferedChannel {
  readonly type: string;
  accept(): ByteStream;
  reject(reason: number, text: string): void;
}

export interface DialRequest {
  host: string;
  port: number;
  username: string;
  identity: SshIdentity;
  hostAuthorities: Buffer[];
  hostPrincipal: readonly string[];
  onChannel: (channel: OfferedChannel) => void;
  signal: AbortSignal;
}

export interface RelayLinkOptions {
  gatewayId: string;
  gatewayName: string;
  /** The newest credentials for this relay. */
  relay: () => GatewayRelay;
  /** Connects and logs in. @throws SallyportError */
  dial: (request: DialRequest) => Promise<RelaySession>;
  /** Takes each channel that the relay opens. */
  accept: (channel: ByteStream) => void;
  onUp: (relay: string) => void;
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
  /** Opens no new session, lets the channels of the present one end, at most `graceMs`. */
  drain(graceMs: number): Promise<void>;
  close(): void;
}

/**
 * A tunnel counts as up when it lasted this long: a relay that refuses a session says so right after the login.
 * Infisical's says nothing and takes its time (EXTENSIONS X2). Channels are taken from the first moment.
 */
const SETTLE_MS = { ours: 100, foreign: 2000 };
/** A platform that does not answer must not delay the next attempt for longer. */
const REFRESH_PATIENCE_MS = 3000;
/** PROTOCOL 0.1: where a relay takes gateways unless told otherwise. */
const STANDARD_PORT = 2222;
/** RFC 4254, 5.1: SSH_OPEN_UNKNOWN_CHANNEL_TYPE. RFC 4253, 11.1: SSH_DISCONNECT_BY_APPLICATION. */
const UNKNOWN_CHANNEL_TYPE = 3;
const BY_APPLICATION = 11;

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
  #session: RelaySession | undefined;
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

  async drain(graceMs: number): Promise<void> {
    this.#stop.abort();
    await this.#session?.drain(graceMs);
    this.close();
    await this.#finished;
  }

  close(): void {
    this.#stop.abort();
    this.#session?.disconnect(BY_APPLICATION, "closed");
  }

  async #run(): Promise<void> {
    const { clock, refresh } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#status = { ...this.#status, state: "connecting" };
      const loss = await this.#attempt();
      if (signal.aborted) return;
      this.#report(loss);
      const refreshed = loss.refresh && settlesWithin(clock, refresh(), REFRESH_PATIENCE_MS, signal);
      await Promise.all([clock.sleep(loss.waitMs, signal), refreshed]);
    }
  }

  /** Resolves when there is no tunnel any more. */
  async #attempt(): Promise<Loss> {
    const relay = this.#options.relay();
    try {
      this.#session = await this.#dial(relay);
    } catch (error) {
      return this.#losses.refused(
        asSallyportError(error, "RELAY_UNREACHABLE", `No tunnel to ${this.#label}`),
      );
    }
    try {
      return await this.#watch(this.#session, relay);
    } finally {
      this.#session = undefined;
    }
  }

  #dial(relay: GatewayRelay): Promise<RelaySession> {
    const { dial, gatewayId } = this.#options;
    return dial({
      host: relay.host,
      port: relay.sshPort,
      username: gatewayId,
      identity: relay.ssh,
      hostAuthorities: relay.hostAuthorities.map(parseSshPublicKey),
      hostPrincipal: principals(relay),
      onChannel: (channel) => this.#onChannel(channel),
      signal: this.#stop.signal,
    });
  }

  async #watch(session: RelaySession, relay: GatewayRelay): Promise<Loss> {
    const { clock } = this.#options;
    const closed = new Promise<SallyportError | null>((resolve) => session.onClosed(resolve));
    if (this.#stop.signal.aborted) session.disconnect(BY_APPLICATION, "closed");
    const since = clock.now();
    const ours = session.peerIdent.startsWith("SSH-2.0-Sallyport_");
    if (await settlesWithin(clock, closed, ours ? SETTLE_MS.ours : SETTLE_MS.foreign, this.#stop.signal)) {
      return ours ? this.#losses.lost(await closed, 0) : this.#losses.occupied(relay);
    }
    this.#up(relay);
    return this.#losses.lost(await closed, clock.now() - since);
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

  #report({ code, message, fix, waitMs }: Loss): void {
    this.#status = { relay: this.#label, state: "waiting", reason: `${code}: ${message}` };
    this.#warning.warn(message, { relay: this.#label, code, fix, retryInSeconds: Math.ceil(waitMs / 1000) });
  }

  /** Whatever the payload of a `direct-tcpip` is: the target comes with the TLS inside (PROTOCOL 0.2). */
  #onChannel(channel: OfferedChannel): void {
    if (channel.type === "direct-tcpip") this.#options.accept(channel.accept());
    else channel.reject(UNKNOWN_CHANNEL_TYPE, "a gateway takes direct-tcpip only");
  }
}

/** The port that the relay itself has may be another one than ours, behind a port mapping (EXTENSIONS X2). */
function principals({ host, sshPort }: GatewayRelay): string[] {
  return [...new Set([sshPort, STANDARD_PORT].map((port) => formatHostPort(host, port)))];
}
