import { type Clock, sleepUntil } from "../host/clock.ts";
import type { ConnectionRecord } from "../platform-client/connections.ts";
import { ENDED, type Traffic } from "../telemetry/connections.ts";
import { describe, SallyportError } from "../telemetry/error.ts";
import type { Instruments } from "../telemetry/instruments.ts";
import type { Fields, Logger } from "../telemetry/log.ts";
import { lastWords } from "../tunnel/last-words.ts";
import type { PumpResult } from "../tunnel/pump.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import { CutShort } from "../tunnel/tls/tls-session.ts";
import type { Accounting } from "./accounting.ts";
import { healthReply, pong } from "./health-mode.ts";
import type { ServiceAccount } from "./http/service-account.ts";
import { serveHttp } from "./http-mode.ts";
import { type SessionRequest, sessionEnded } from "./session-request.ts";
import type { TargetPolicy } from "./target-policy.ts";
import { type Resolver, targetLabel } from "./target-resolve.ts";
import { serveTcp } from "./tcp-mode.ts";

/** What all sessions of a gateway share. */
export interface SessionServices {
  policy: TargetPolicy;
  serviceAccount: ServiceAccount;
  resolve: Resolver | undefined;
  /** Milliseconds for DNS and all addresses of a target. */
  targetDialMs: number | undefined;
  clock: Clock;
  instruments: Pick<Instruments, "connections">;
  /** Absent without a platform. */
  accounting: Accounting | undefined;
  log: Logger;
}

/** One tunnel from its inner handshake to its end. */
export class Session {
  readonly #ended = new AbortController();
  readonly #since: number;
  readonly #traffic: Traffic = { forward: 0, backward: 0 };
  /** Resolves when the tunnel is over and accounted for; never rejects. */
  readonly over: Promise<void>;

  constructor(
    readonly request: SessionRequest,
    private readonly stream: ByteStream,
    private readonly services: SessionServices,
  ) {
    this.#since = services.clock.now();
    this.over = this.#run();
  }

  /** Ends the tunnel now; the reason becomes its cause. */
  cut(reason: SallyportError): void {
    this.#ended.abort(reason);
  }

  async #run(): Promise<void> {
    const { instruments, clock } = this.services;
    const { mode } = this.request;
    const about = describeSession(this.request);
    const entry = instruments.connections.open(mode, about, () => this.#traffic);
    const log = this.services.log.child({ connection: entry.id });
    const level = mode === "tcp" || mode === "http" ? "info" : "debug";
    log[level]("Session opened", about);
    const record = this.#account();
    this.#watchTheClock();

    const { forward, backward, error } = await this.#serve();
    // Who probes hangs up as soon as the answer is there.
    const isProbe = mode === "ping" || mode === "health";
    const cause = this.#ended.signal.reason ?? (isProbe ? undefined : error);
    this.#ended.abort();
    Object.assign(this.#traffic, { forward, backward });
    entry.close(nameOf(cause));
    const durationMs = Math.max(0, clock.now() - this.#since);
    const closed = {
      at: new Date(clock.now()).toISOString(),
      bytesUp: forward,
      bytesDown: backward,
      durationMs,
    };
    if (record) this.services.accounting?.add({ ...record, closed: { ...closed, cause: nameOf(cause) } });
    log[level]("Session closed", {
      ...about,
      bytesUp: forward,
      bytesDown: backward,
      milliseconds: durationMs,
      cause: nameOf(cause),
      ...(cause instanceof Error && { reason: describe(cause) }),
    });
  }

  /** Probes reach nothing, so there is nothing to account for (EXTENSIONS X10). */
  #account(): ConnectionRecord | undefined {
    const { accounting } = this.services;
    const { mode, actor, target, serial, grant } = this.request;
    if (!accounting || (mode !== "tcp" && mode !== "http")) return undefined;
    const record: ConnectionRecord = {
      id: crypto.randomUUID(),
      instance: accounting.instance,
      openedAt: new Date(this.#since).toISOString(),
      serial,
      mode,
      actor,
      target: targetLabel(target),
      ...(grant && { grantId: grant.grantId }),
    };
    accounting.add(record);
    return record;
  }

  #serve(): Promise<PumpResult> {
    const { stream, services, request } = this;
    const { signal } = this.#ended;
    const traffic = this.#traffic;
    if (request.mode === "tcp") return serveTcp(stream, { ...request, ...services, signal, traffic });
    signal.addEventListener("abort", () => stream.destroy(signal.reason), { once: true });
    if (request.mode === "ping") return lastWords(stream, pong());
    if (request.mode === "health") return lastWords(stream, healthReply());
    const { resolve, targetDialMs, policy, serviceAccount } = services;
    return serveHttp(stream, { ...request, policy, serviceAccount, resolve, targetDialMs }, traffic);
  }

  /** The grant's end holds with the platform away (EXTENSIONS X10), across suspends and clock steps. */
  #watchTheClock(): void {
    const { grant } = this.request;
    const { signal } = this.#ended;
    if (!grant) return;
    void sleepUntil(this.services.clock, grant.sessionEndsAt.getTime(), signal).then(() => {
      if (!signal.aborted) this.cut(sessionEnded());
    });
  }
}

function describeSession({ mode, actor, target, serial, grant }: SessionRequest): Fields {
  return {
    mode,
    actor: actor.id === undefined ? actor.type : `${actor.type}:${actor.id}`,
    actorName: actor.name,
    target: mode === "tcp" || mode === "http" ? targetLabel(target) : undefined,
    serial,
    grant: grant?.grantId,
  };
}

function nameOf(cause: unknown): string {
  if (cause instanceof CutShort) return "CONNECTION_LOST";
  if (cause instanceof SallyportError) return cause.code;
  return cause ? "CONNECTION_LOST" : ENDED;
}
