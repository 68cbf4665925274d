import type { Places, Refusal } from "../roster.ts";
import type { Routes } from "../serve-client.ts";
import type { RelaySession } from "../session.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

type Answer = (refusal: Refusal | undefined) => void;
type About = Extract<ToWorker, { type: "advise" | "retire" | "cut" }>;

/** Gateways that the supervisor called revoked, until it says otherwise. Oldest are forgotten first. */
const MOST_REVOKED = 10_000;

/** A worker's own sessions. Which of them serves its gateway, among those of all workers, the supervisor says. */
export class WorkerPlaces implements Places<RelaySession>, Routes {
  readonly #send: (message: FromWorker) => void;
  readonly #ids = new Map<RelaySession, number>();
  readonly #sessions = new Map<number, RelaySession>();
  readonly #unanswered = new Map<number, Answer>();
  readonly #serving = new Map<string, RelaySession>();
  readonly #revoked = new Set<string>();
  /** Tunnels of each session as last told. */
  readonly #told = new Map<number, number>();
  #count = 0;

  constructor(send: (message: FromWorker) => void) {
    this.#send = send;
  }

  enter(session: RelaySession, answer: Answer): void {
    const id = ++this.#count;
    const { gatewayId, gatewayName, orgId, generation, serial, expiresAt, since, remoteAddress } = session;
    this.#ids.set(session, id);
    this.#sessions.set(id, session);
    this.#unanswered.set(id, answer);
    this.#send({
      type: "claim",
      session: id,
      gatewayId,
      ...(gatewayName === undefined ? {} : { gatewayName }),
      ...(orgId === undefined ? {} : { orgId }),
      generation,
      serial: String(serial),
      expiresAt,
      since: since.getTime(),
      remoteAddress,
      takesAdvice: session.takesAdvice,
    });
  }

  /** The supervisor's answer. */
  claimed(id: number, refusal: Refusal | undefined): void {
    const session = this.#sessions.get(id);
    const answer = this.#unanswered.get(id);
    this.#unanswered.delete(id);
    if (!session || !answer) return;
    if (refusal) this.#forget(session);
    else this.#serving.set(session.gatewayId, session);
    answer(refusal);
  }

  left(session: RelaySession): void {
    const id = this.#forget(session);
    if (id !== undefined) this.#send({ type: "left", session: id });
  }

  /** What the supervisor wants of a session. */
  obey(message: About): void {
    const session = this.#sessions.get(message.session);
    if (!session) return;
    if (message.type === "advise") return void session.advise();
    this.#withdraw(session);
    if (message.type === "cut") session.cut(message.why);
    else void session.retire(message.why, message.graceMs);
  }

  find(gatewayId: string): RelaySession | undefined {
    return this.#serving.get(gatewayId);
  }

  isRevoked(gatewayId: string): boolean {
    return this.#revoked.has(gatewayId);
  }

  noteRevoked(gatewayId: string, revoked: boolean): void {
    this.#revoked.delete(gatewayId);
    if (!revoked) return;
    this.#revoked.add(gatewayId);
    const [oldest] = this.#revoked;
    if (oldest !== undefined && this.#revoked.size > MOST_REVOKED) this.#revoked.delete(oldest);
  }

  /** Sessions whose number of tunnels is another one than when this was last asked. */
  changedTunnels(): [session: number, tunnels: number][] {
    const changed: [number, number][] = [];
    for (const [id, { channels }] of this.#sessions) {
      if ((this.#told.get(id) ?? 0) === channels) continue;
      this.#told.set(id, channels);
      changed.push([id, channels]);
    }
    return changed;
  }

  cutAll(): void {
    for (const session of [...this.#sessions.values()]) session.cut("draining");
  }

  #withdraw(session: RelaySession): void {
    if (this.#serving.get(session.gatewayId) === session) this.#serving.delete(session.gatewayId);
  }

  #forget(session: RelaySession): number | undefined {
    const id = this.#ids.get(session);
    if (id === undefined) return undefined;
    this.#withdraw(session);
    this.#ids.delete(session);
    this.#sessions.delete(id);
    this.#told.delete(id);
    return id;
  }
}
