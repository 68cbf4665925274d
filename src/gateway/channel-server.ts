import { type Clock, settlesWithin, systemClock } from "../host/clock.ts";
import { descriptors } from "../host/descriptors.ts";
import type { GatewayCredentials } from "../pki/credentials.ts";
import { EndedSerials } from "../pki/ended-serials.ts";
import type { Code } from "../telemetry/codes.ts";
import { asSallyportError, SallyportError } from "../telemetry/error.ts";
import { createInstruments, type Instruments } from "../telemetry/instruments.ts";
import type { Logger } from "../telemetry/log.ts";
import { ALPN } from "../tunnel/alpn.ts";
import { lastWords } from "../tunnel/last-words.ts";
import { observed } from "../tunnel/observed.ts";
import { refusalOf } from "../tunnel/refusal.ts";
import { WindowBudget } from "../tunnel/ssh/window.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import type { Certificate } from "../tunnel/tls/certificate.ts";
import type { TlsConnection } from "../tunnel/tls/connection.ts";
import { type InnerTlsServer, openInnerTlsServer } from "../tunnel/tls/inner-server.ts";
import type { Accounting } from "./accounting.ts";
import { podServiceAccount, type ServiceAccount } from "./http/service-account.ts";
import { DEFAULT_GATEWAY_LIMITS, type GatewayLimits } from "./limits.ts";
import { Session, type SessionServices } from "./session.ts";
import {
  isRevoked,
  readSessionRequest,
  revoked,
  SESSION_ALPNS,
  type SessionRequest,
} from "./session-request.ts";
import { SharedSessions } from "./shared-sessions.ts";
import type { TargetPolicy } from "./target-policy.ts";
import type { Resolver } from "./target-resolve.ts";

export interface ChannelServerOptions {
  /** The newest ones; asked at every connection. */
  credentials: () => GatewayCredentials;
  policy: TargetPolicy;
  /** Its own unless told. */
  instruments?: Instruments;
  /** Told of every session; absent without a platform. */
  accounting?: Accounting | undefined;
  log: Logger;
  /** What tunnels of shared sessions may have under way; its own unless told. */
  budget?: WindowBudget;
  clock?: Clock;
  resolve?: Resolver;
  serviceAccount?: ServiceAccount;
  /** The usual ones unless told. `channels` counts all relays together, handshakes included. */
  limits?: Partial<Pick<GatewayLimits, "channels" | "innerHandshakeMs" | "targetDialMs">> | undefined;
}

/** Serves what the relays' channels bring: the inner TLS, then one session each (PROTOCOL 0.2). */
export interface ChannelServer {
  /**
   * Takes the channel over. Past the limit, or while draining, it is destroyed with the reason.
   * @param retiring aborts when the channel's connection should end: a session that is shared takes no more tunnels
   */
  accept(channel: ByteStream, retiring?: AbortSignal): void;
  /** Shows the new certificates to new connections, and cuts those whose certificates are revoked now. */
  reload(): void;
  /** Cuts the sessions of these client certificates, and refuses them from now on. */
  endAccess(serials: ReadonlySet<string>): void;
  /** Cuts every session; new ones may come. */
  cut(): void;
  /** Channels and tunnels in shared sessions at present, handshakes included. */
  readonly connections: number;
  /** Connections that carry something: neither handshakes nor the platform's probes. */
  readonly sessions: number;
  /** Refuses new channels, waits for the sessions at most that long, then closes. */
  drain(graceMs: number): Promise<void>;
  /** Cuts everything. Safe to call twice. */
  close(): void;
}

/** For sessions that were cut to be accounted for. */
const LAST_WORDS_MS = 1000;

/** @throws SallyportError CONFIG_INVALID for certificates that can't be used */
export function openChannelServer(options: ChannelServerOptions): ChannelServer {
  return new Server(options);
}

class Server implements ChannelServer {
  readonly #options: ChannelServerOptions;
  readonly #limits: GatewayLimits;
  readonly #services: SessionServices;
  readonly #instruments: Instruments;
  readonly #channels = new Set<ByteStream>();
  readonly #sessions = new Set<Session>();
  readonly #ended = new EndedSerials();
  readonly #shared: SharedSessions;
  readonly #inner: InnerTlsServer;
  #draining = false;

  constructor(options: ChannelServerOptions) {
    const { policy, resolve, log, credentials } = options;
    this.#options = options;
    this.#limits = { ...DEFAULT_GATEWAY_LIMITS, ...options.limits };
    this.#instruments = options.instruments ?? createInstruments();
    this.#services = {
      policy,
      resolve,
      targetDialMs: this.#limits.targetDialMs,
      instruments: this.#instruments,
      accounting: options.accounting,
      log,
      clock: options.clock ?? systemClock,
      serviceAccount: options.serviceAccount ?? podServiceAccount(process.env),
    };
    this.#shared = new SharedSessions({
      budget: options.budget ?? new WindowBudget(),
      onTunnel: (stream, peer) => this.#openShared(stream, peer),
    });
    this.#inner = openInnerTlsServer({
      handshakeTimeoutMs: this.#limits.innerHandshakeMs,
      credentials: () => credentials().tls,
      alpns: SESSION_ALPNS,
      onConnection: (connection) => this.#admit(connection, undefined),
      onRefused: ({ code }) => this.#refused(code),
      log,
    });
  }

  get connections(): number {
    return this.#channels.size;
  }

  get sessions(): number {
    return [...this.#sessions].filter(({ request: { mode } }) => mode === "tcp" || mode === "http").length;
  }

  accept(channel: ByteStream, retiring?: AbortSignal): void {
    const refusal = this.#shortage();
    if (refusal) return channel.destroy(refusal);
    this.#inner.accept(this.#counted(channel), (connection) => this.#admit(connection, retiring));
  }

  reload(): void {
    this.#inner.reload();
    const credentials = this.#options.credentials();
    for (const session of this.#sessions) {
      if (isRevoked(session.request.serial, credentials)) session.cut(revoked());
    }
    this.#shared.cut(revoked(), { has: (serial) => isRevoked(serial, credentials) });
  }

  endAccess(serials: ReadonlySet<string>): void {
    this.#ended.add(serials);
    for (const session of this.#sessions) {
      if (serials.has(session.request.serial)) session.cut(revoked());
    }
    this.#shared.cut(revoked(), serials);
  }

  cut(): void {
    for (const session of this.#sessions) session.cut(revoked());
    this.#shared.cut(revoked());
  }

  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    this.#shared.drain();
    const over = Promise.all([...this.#sessions].map((session) => session.over));
    await settlesWithin(this.#services.clock, over, graceMs);
    this.close();
    await settlesWithin(this.#services.clock, over, LAST_WORDS_MS);
  }

  close(): void {
    this.#draining = true;
    for (const session of this.#sessions) session.cut(stopping());
    this.#shared.cut(stopping());
    this.#inner.close();
  }

  /** Why there can't be another one now. */
  #shortage(): SallyportError | undefined {
    if (this.#draining) return stopping();
    const { log } = this.#options;
    const isFull = this.#channels.size >= this.#limits.channels;
    if (!isFull && !descriptors.refuse()) return undefined;
    const error = new SallyportError(
      "RESOURCE_SHORTAGE",
      isFull
        ? "This gateway has as many connections as it may have."
        : "This gateway's process has no file descriptors left for another connection.",
    );
    log.warn("A connection was refused", { cause: error.code, connections: this.connections });
    this.#instruments.metrics.errors.inc({ code: error.code });
    return error;
  }

  #counted(channel: ByteStream): ByteStream {
    this.#channels.add(channel);
    return observed(channel, (handler) => ({
      closed: (error) => {
        this.#channels.delete(channel);
        handler.closed(error);
      },
    }));
  }

  #admit({ stream, peer, alpn }: TlsConnection, retiring: AbortSignal | undefined): void {
    this.#instruments.metrics.handshakes.inc({ protocol: "tls", result: "OK" });
    if (alpn !== ALPN.sallyportMux) return this.#open(stream, peer, alpn);
    const request = this.#authorise(peer, ALPN.sallyportTcp);
    if (request instanceof SallyportError) void lastWords(stream, refusalOf(alpn, request));
    else this.#shared.accept(stream, peer, retiring);
  }

  /** One more tunnel in a session: it is authorised like any other. */
  #openShared(stream: ByteStream, peer: Certificate): void {
    const refusal = this.#shortage();
    if (refusal) return void lastWords(stream, refusalOf(ALPN.sallyportTcp, refusal));
    this.#open(this.#counted(stream), peer, ALPN.sallyportTcp);
  }

  #open(stream: ByteStream, peer: Certificate, alpn: string | null): void {
    const request = this.#authorise(peer, alpn);
    if (request instanceof SallyportError) return void lastWords(stream, refusalOf(alpn, request));
    const session = new Session(request, stream, this.#services);
    this.#sessions.add(session);
    void session.over.then(() => this.#sessions.delete(session));
  }

  /** What the client may have, or why it may not. */
  #authorise(peer: Certificate, alpn: string | null): SessionRequest | SallyportError {
    const { credentials, log } = this.#options;
    const now = new Date(this.#services.clock.now());
    try {
      if (this.#draining) throw stopping();
      if (this.#ended.has(peer.serial)) throw revoked();
      return readSessionRequest(peer, alpn, credentials(), now);
    } catch (error) {
      const refusal = asSallyportError(error, "INTERNAL", "The session could not be opened");
      const { code, message } = refusal;
      const { commonName, serial } = peer;
      this.#instruments.metrics.errors.inc({ code });
      log.warn("Session refused", { cause: code, reason: message, commonName, serial, alpn });
      return refusal;
    }
  }

  /** Whose inner handshake was refused never had a session. */
  #refused(code: Code): void {
    const { handshakes, errors } = this.#instruments.metrics;
    handshakes.inc({ protocol: "tls", result: code });
    errors.inc({ code });
  }
}

function stopping(): SallyportError {
  return new SallyportError(
    "DRAINING",
    "This gateway is stopping: connect again, through another one if there is.",
  );
}
