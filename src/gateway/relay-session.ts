import { type Clock, settlesWithin } from "../host/clock.ts";
import type { GatewayRelay, SshIdentity } from "../pki/credentials.ts";
import { extensionText, parseSshCertificateLine, type SshCertificate } from "../pki/ssh-certificate.ts";
import type { SallyportError } from "../telemetry/error.ts";
import type { ByteStream } from "../tunnel/stream.ts";

/** What a gateway uses of an SSH connection; `SshConnection` is one. */
export interface RelayConnection {
  /** The identification line of the relay's SSH. */
  readonly peerIdent: string;
  onClosed(listener: (error: SallyportError | null) => void): void;
  disconnect(reason: number, text: string): void;
  drain(graceMs: number): Promise<void>;
}

export interface OfferedChannel {
  readonly type: string;
  accept(): ByteStream;
  reject(reason: number, text: string): void;
}

export interface DialRequest {
  host: string;
  port: number;
  username: string;
  identity: SshIdentity;
  /** The newest, asked at every key exchange. */
  hostAuthorities: () => Buffer[];
  hostPrincipal: readonly string[];
  onChannel: (channel: OfferedChannel) => void;
  /** The name of a global request of the relay's. */
  onRequest: (name: string) => void;
  signal: AbortSignal;
}

/**
 * A tunnel counts as up when it lasted this long: a relay that refuses a session says so right after the login.
 * Infisical's says nothing and takes its time (EXTENSIONS X2). Channels are taken from the first moment.
 */
const SETTLE_MS = { ours: 100, foreign: 2000 };
/** EXTENSIONS X3. */
const GENERATION = "generation@sallyport";
/** RFC 4253, 11.1: SSH_DISCONNECT_BY_APPLICATION. */
const BY_APPLICATION = 11;

/** One SSH session with a relay, from the login on. */
export class RelaySession {
  /** Milliseconds of the wall clock. */
  readonly since: number;
  /** Never rejects. Null: it was closed in order. */
  readonly closed: Promise<SallyportError | null>;
  /** Whether the relay is Sallyport's, which lets a newer session take the place of an older one (EXTENSIONS X3). */
  readonly isOurs: boolean;
  isDraining = false;
  readonly #certificate: SshCertificate;
  /** When a newer certificate should take this one's place; milliseconds of the wall clock. */
  readonly #wornAt: number;
  readonly #over = new AbortController();

  /**
   * @param random uniform in [0, 1)
   * @param retiring aborted when it should end with what it carries now
   */
  constructor(
    private readonly connection: RelayConnection,
    readonly relay: GatewayRelay,
    private readonly clock: Clock,
    random: () => number,
    private readonly retiring = new AbortController(),
  ) {
    this.since = clock.now();
    this.isOurs = connection.peerIdent.startsWith("SSH-2.0-Sallyport_");
    this.#certificate = parseSshCertificateLine(relay.ssh.certificate);
    const left = Number(this.#certificate.validBefore) * 1000 - this.since;
    this.#wornAt = this.since + left * (1 / 2 + random() / 6);
    this.closed = new Promise((resolve) => {
      connection.onClosed((error) => {
        this.#over.abort();
        resolve(error);
      });
    });
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Aborts when it is over. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** True once it has lasted, false when the relay has closed it before, or when aborted. */
  async settles(signal: AbortSignal): Promise<boolean> {
    const settleMs = this.isOurs ? SETTLE_MS.ours : SETTLE_MS.foreign;
    const closed = await settlesWithin(this.clock, this.closed, settleMs, signal);
    return !closed && !signal.aborted;
  }

  /**
   * When a session with these newer credentials should take this one's place: between half and two thirds of the
   * certificate's life (ACCEPTANCE, Lifetimes), at once for another generation or authority, never for the same
   * certificate. Infisical's relay refuses a second session, and lets the first one live: never there.
   */
  replaceAt(newest: GatewayRelay): number {
    if (!this.isOurs || newest.ssh.certificate === this.relay.ssh.certificate)
      return Number.POSITIVE_INFINITY;
    const next = parseSshCertificateLine(newest.ssh.certificate);
    const sameRank =
      extensionText(next, GENERATION) === extensionText(this.#certificate, GENERATION) &&
      next.authorityBlob.equals(this.#certificate.authorityBlob);
    if (!sameRank) return this.clock.now();
    // A certificate that ends sooner is no gain.
    return next.validBefore > this.#certificate.validBefore ? this.#wornAt : Number.POSITIVE_INFINITY;
  }

  /** Another one has taken its place: its channels are to end as soon as they carry nothing. */
  retire(): void {
    this.retiring.abort();
  }

  /** Takes no new channel, lets the present ones end, at most `graceMs`, then closes. */
  async drain(graceMs: number): Promise<void> {
    this.isDraining = true;
    this.retire();
    await this.connection.drain(graceMs);
  }

  close(): void {
    this.connection.disconnect(BY_APPLICATION, "closed");
  }
}
