import { asSallyportError, SallyportError } from "../../telemetry/error.ts";
import type { Part } from "../../telemetry/parts.ts";
import type { AdmissionTicket } from "../../tunnel/admission.ts";
import { type Backoff, fullJitter } from "../../tunnel/backoff.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { Holder, RemoteSession } from "./remote-session.ts";
import { spawnWorker, type WorkerProcess } from "./worker-process.ts";

export interface SlotOptions {
  command: string[];
  /** Where other workers hand their clients over to the worker in this slot. */
  socket: string;
  /** What its worker is started with. */
  start: () => ToWorker;
  /** A message that is not only about the worker itself. */
  onMessage: (run: WorkerRun, message: FromWorker) => void;
  /** It ended without being told to, or could not be started at all; another one will be tried. */
  onDown: (why: Error, run?: WorkerRun) => void;
  onUp: (run: WorkerRun) => void;
}

/** A worker that runs this long was no failure. */
const SETTLED_MS = 30_000;
/** A worker that has not said a word for so long hangs. It says one each second. */
const SILENT_MS = 15_000;
const REPORT_MS = 1_000;
const CLOSE_MS = 2_000;

/** The place of one worker: there is always one in it, or one about to be started. */
export class Slot {
  readonly #o: SlotOptions;
  readonly #backoff: Backoff = fullJitter();
  #run: WorkerRun | undefined;
  #restart: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: SlotOptions) {
    this.#o = options;
  }

  /** The worker that is up, if it is. */
  get up(): WorkerRun | undefined {
    return this.#run?.isUp ? this.#run : undefined;
  }

  /** Starts the first one. @throws SallyportError what keeps it from starting */
  async open(): Promise<void> {
    const started = Promise.withResolvers<void>();
    this.#begin(started.resolve, started.reject);
    await started.promise;
  }

  send(message: ToWorker): void {
    this.#run?.send(message);
  }

  /** To be called each second. */
  look(): void {
    if (!this.#run) return;
    if (this.#run.silentMs > SILENT_MS) this.#run.kill();
    if (this.#run.isUp && this.#run.ageMs > SETTLED_MS) this.#backoff.reset();
  }

  /** No worker is started any more; the present one is told to close, and killed if it does not. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restart);
    await this.#run?.close();
  }

  #begin(up?: () => void, failed?: (error: Error) => void): void {
    const { onMessage, onUp } = this.#o;
    let wasUp = false;
    try {
      const run: WorkerRun = new WorkerRun(this.#o, {
        message: (message) => onMessage(run, message),
        up() {
          wasUp = true;
          up?.();
          onUp(run);
        },
        down: (error) => {
          this.#run = undefined;
          if (failed && !wasUp) failed(error);
          else this.#failed(error, run);
        },
      });
      this.#run = run;
    } catch (error) {
      // No process could be made: memory or descriptors have run out.
      const problem = asSallyportError(error, "INTERNAL", "A worker of the relay can't be started");
      if (failed) failed(problem);
      else this.#failed(problem);
    }
  }

  #failed(error: Error, run?: WorkerRun): void {
    if (this.#closed) return;
    this.#o.onDown(error, run);
    this.#restart = setTimeout(() => this.#begin(), this.#backoff.next());
  }
}

interface RunEvents {
  message(message: FromWorker): void;
  up(): void;
  down(why: Error): void;
}

/** One life of a worker, from its start to its exit. */
export class WorkerRun implements Holder {
  readonly socket: string;
  /** By the worker's own numbers. */
  readonly sessions = new Map<number, RemoteSession>();
  /** Connections that wait to authenticate. */
  readonly tickets = new Map<number, AdmissionTicket>();
  windowUsed = 0;
  isUp = false;
  /** What it said last of what it counts. */
  part: Part | undefined;
  readonly #process: WorkerProcess;
  readonly #began = performance.now();
  readonly #exited = Promise.withResolvers<void>();
  readonly #reports = new Map<number, () => void>();
  #heard = performance.now();
  #error: Error | undefined;
  #reportCount = 0;

  constructor({ command, socket, start }: SlotOptions, events: RunEvents) {
    this.socket = socket;
    this.#process = spawnWorker(command, {
      message: (message) => {
        this.#heard = performance.now();
        this.#receive(message, events);
      },
      exited: (how) => {
        this.isUp = false;
        for (const answer of this.#reports.values()) answer();
        this.#exited.resolve();
        events.down(this.#error ?? ended(how));
      },
    });
    this.send(start());
  }

  get pid(): number {
    return this.#process.pid;
  }

  get ageMs(): number {
    return performance.now() - this.#began;
  }

  get silentMs(): number {
    return performance.now() - this.#heard;
  }

  send(message: ToWorker): void {
    this.#process.send(message);
  }

  kill(): void {
    this.#process.kill();
  }

  /** Asks what it counts; what it said last when it does not answer. */
  async report(): Promise<Part | undefined> {
    const question = ++this.#reportCount;
    const answered = Promise.withResolvers<void>();
    const timer = setTimeout(answered.resolve, REPORT_MS);
    this.#reports.set(question, answered.resolve);
    this.send({ type: "report", question });
    await answered.promise;
    clearTimeout(timer);
    this.#reports.delete(question);
    return this.part;
  }

  async close(): Promise<void> {
    this.send({ type: "close" });
    const timer = setTimeout(() => this.kill(), CLOSE_MS);
    await this.#exited.promise;
    clearTimeout(timer);
  }

  #receive(message: FromWorker, events: RunEvents): void {
    switch (message.type) {
      case "ready":
        this.isUp = true;
        return events.up();
      case "failed":
        this.#error = new SallyportError(message.code, message.message);
        return;
      case "reported":
        this.part = message.part;
        return this.#reports.get(message.question)?.();
      case "alive":
        this.windowUsed = message.windowUsed;
        for (const [id, tunnels] of message.tunnels) {
          const session = this.sessions.get(id);
          if (session) session.channels = tunnels;
        }
        return;
      default:
        return events.message(message);
    }
  }
}

function ended(how: string): SallyportError {
  return new SallyportError("INTERNAL", `A worker of the relay ended: ${how}.`);
}
