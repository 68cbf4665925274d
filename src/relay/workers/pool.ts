import { rmSync } from "node:fs";
import { join } from "node:path";
import { makePrivateDirectory } from "../../host/atomic-file.ts";
import { cannotListen } from "../../host/cannot-listen.ts";
import { selfCommand } from "../../host/self.ts";
import type { LogFormat, LogLevel } from "../../telemetry/log.ts";
import { type Part, remains } from "../../telemetry/parts.ts";
import type { WorkersLine } from "../../telemetry/status.ts";
import type { Control } from "../control.ts";
import type { Front, ListenAt, Phase } from "../front.ts";
import { sendable } from "./credentials-message.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { RemoteSession } from "./remote-session.ts";
import { Slot, type WorkerRun } from "./slot.ts";

export interface WorkerOptions {
  count: number;
  /** Where workers meet; made 0700. */
  directory: string;
  logFormat: LogFormat;
  /** Asked each second. */
  logLevel: () => LogLevel;
  /** What starts a worker; this same program unless told. */
  command?: string[];
}

const LOOK_MS = 1_000;
const CONDITION = "workers";

/**
 * The ports of a relay in several processes that the kernel spreads new connections over. What has to be decided once is
 * decided here: which session serves a gateway, who may wait to authenticate, what the platform's events mean. Workers
 * hand clients over to each other, see `hand-over`.
 * @throws SallyportError PORT_IN_USE, CONFIG_INVALID, FILE_UNWRITABLE
 */
export async function openWorkers(control: Control<RemoteSession>, options: WorkerOptions): Promise<Front> {
  await makePrivateDirectory(options.directory);
  const listen = claimPorts(control.listen);
  const pool = new WorkerPool({ ...control, listen }, options);
  try {
    await pool.open();
    return pool;
  } catch (error) {
    await pool.close();
    throw error;
  }
}

class WorkerPool implements Front {
  readonly #control: Control<RemoteSession>;
  readonly #options: WorkerOptions;
  readonly #slots: Slot[];
  readonly #timer: ReturnType<typeof setInterval>;
  #phase: Phase = "open";
  #logLevel: LogLevel;
  #departed: Promise<Part | undefined> = Promise.resolve(undefined);

  constructor(control: Control<RemoteSession>, options: WorkerOptions) {
    this.#control = control;
    this.#options = options;
    this.#logLevel = options.logLevel();
    this.#slots = Array.from({ length: options.count }, (_, i) => this.#slot(i + 1));
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    control.instruments.metrics.parts = { ask: () => this.#parts() };
  }

  async open(): Promise<void> {
    const results = await Promise.allSettled(this.#slots.map((slot) => slot.open()));
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  }

  get sshPort(): number {
    return this.#control.listen.sshPort;
  }

  get tlsPort(): number {
    return this.#control.listen.tlsPort;
  }

  get windowBudget(): { used: number; limit: number } {
    const used = this.#runs().reduce((sum, { windowUsed }) => sum + windowUsed, 0);
    return { used, limit: this.#control.limits.windowBudgetBytes };
  }

  get workers(): WorkersLine {
    return { running: this.#runs().length, wanted: this.#options.count };
  }

  reload(): void {
    this.#tellAll({ type: "credentials", credentials: sendable(this.#control.credentials()) });
  }

  enter(phase: Phase): void {
    this.#phase = phase;
    this.#tellAll({ type: "phase", phase });
  }

  cutClients(serials: ReadonlySet<string>): void {
    if (serials.size > 0) this.#tellAll({ type: "cut clients", serials: [...serials] });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#slots.map((slot) => slot.close()));
    for (let number = 1; number <= this.#options.count; number++) {
      rmSync(this.#socket(number), { force: true });
    }
  }

  #slot(number: number): Slot {
    const { log } = this.#control;
    return new Slot({
      command: this.#options.command ?? selfCommand(["relay", "worker"]),
      socket: this.#socket(number),
      start: () => this.#start(number),
      onMessage: (run, message) => this.#receive(run, message),
      onUp: ({ pid }) => {
        log.info("Worker started", { worker: number, process: pid });
        this.#judge();
      },
      onDown: ({ message: reason }, run) => {
        log.error("A worker is gone; starting it again", { worker: number, reason });
        if (run) this.#bury(run);
        this.#judge();
      },
    });
  }

  #socket(number: number): string {
    return join(this.#options.directory, `worker-${number}.sock`);
  }

  #start(number: number): ToWorker {
    const { listen, limits, exempt, credentials, identity } = this.#control;
    const windowBudgetBytes = Math.floor(limits.windowBudgetBytes / this.#options.count);
    return {
      type: "start",
      number,
      socket: this.#socket(number),
      listen: { proxyFrom: [], ...listen },
      limits: { ...limits, windowBudgetBytes },
      exempt,
      credentials: sendable(credentials()),
      endedSerials: identity().endedSerials.list(),
      phase: this.#phase,
      logFormat: this.#options.logFormat,
      logLevel: this.#logLevel,
    };
  }

  #receive(run: WorkerRun, message: FromWorker): void {
    switch (message.type) {
      case "claim":
        return this.#claim(run, message);
      case "left": {
        const session = run.sessions.get(message.session);
        run.sessions.delete(message.session);
        if (session) this.#over(session);
        return;
      }
      case "enter":
        return this.#enter(run, message);
      case "progress":
        return run.tickets.get(message.ticket)?.progress();
      case "failed login":
        return run.tickets.get(message.ticket)?.failed();
      case "authenticated":
        run.tickets.get(message.ticket)?.authenticated();
        return void run.tickets.delete(message.ticket);
      case "gone":
        run.tickets.get(message.ticket)?.close();
        return void run.tickets.delete(message.ticket);
      case "locate":
        return this.#locate(run, message);
      default:
        return;
    }
  }

  #claim(run: WorkerRun, message: Extract<FromWorker, { type: "claim" }>): void {
    const { session: id } = message;
    if (this.#phase !== "open") return run.send({ type: "claimed", session: id, refusal: "draining" });
    const session = new RemoteSession(run, message);
    this.#control.roster.enter(session, (refusal) => {
      if (!refusal) run.sessions.set(id, session);
      run.send({ type: "claimed", session: id, ...(refusal && { refusal }) });
    });
  }

  #enter(run: WorkerRun, { ticket: id, address }: Extract<FromWorker, { type: "enter" }>): void {
    const drop = () => run.send({ type: "drop", ticket: id });
    const ticket = this.#control.admission.admit(address, drop);
    if (ticket) run.tickets.set(id, ticket);
    else drop();
  }

  #locate(run: WorkerRun, { question, gatewayId }: Extract<FromWorker, { type: "locate" }>): void {
    const { table } = this.#control.roster;
    const holder = table.find(gatewayId)?.holder;
    const elsewhere = holder && holder !== run ? { socket: holder.socket } : {};
    run.send({ type: "located", question, ...elsewhere, revoked: !holder && table.isRevoked(gatewayId) });
  }

  /** What was in a worker that is gone. */
  #bury(run: WorkerRun): void {
    for (const session of run.sessions.values()) this.#over(session);
    for (const ticket of run.tickets.values()) ticket.close();
    const { part } = run;
    if (!part) return;
    this.#departed = this.#departed.then((before) => remains(before ? [before, part] : [part]));
  }

  #over(session: RemoteSession): void {
    this.#control.roster.left(session);
    session.ended();
  }

  async #parts(): Promise<Part[]> {
    const reports = await Promise.all(this.#runs().map((run) => run.report()));
    return [await this.#departed, ...reports].filter((part) => part !== undefined);
  }

  #runs(): WorkerRun[] {
    return this.#slots.map((slot) => slot.up).filter((run) => run !== undefined);
  }

  #tellAll(message: ToWorker): void {
    for (const slot of this.#slots) slot.send(message);
  }

  #look(): void {
    for (const slot of this.#slots) slot.look();
    const level = this.#options.logLevel();
    if (level === this.#logLevel) return;
    this.#logLevel = level;
    this.#tellAll({ type: "log level", level });
  }

  #judge(): void {
    const { conditions } = this.#control.instruments;
    const { running, wanted } = this.workers;
    if (running === wanted) return conditions.clear(CONDITION);
    conditions.raise(CONDITION, "WORKER_DOWN", {
      text: `${running} of ${wanted} workers run; the others are started again, and their gateways come back.`,
      fix: "Look in the log why it ended; report it if the machine did not run out of memory.",
    });
  }
}

/**
 * Chooses free ports where that is wanted, and makes sure that nobody else has them: workers share theirs, so that they
 * would not notice another relay of the same user.
 * @throws SallyportError as `cannotListen`
 */
function claimPorts(listen: ListenAt): ListenAt {
  const { hostname } = listen;
  return {
    ...listen,
    sshPort: claimPort(hostname, listen.sshPort),
    tlsPort: claimPort(hostname, listen.tlsPort),
  };
}

function claimPort(hostname: string, port: number): number {
  try {
    const listener = Bun.listen({ hostname, port, socket: { data() {} } });
    const claimed = listener.port;
    listener.stop(true);
    return claimed;
  } catch (cause) {
    throw cannotListen(hostname, port, cause);
  }
}
