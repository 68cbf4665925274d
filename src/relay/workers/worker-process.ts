import { type FromWorker, fromWorkerSchema, type ToWorker } from "./messages.ts";

/** A worker's process, as its supervisor holds it. */
export interface WorkerProcess {
  readonly pid: number;
  /** Nothing happens once it is gone. */
  send(message: ToWorker): void;
  /** SIGKILL. */
  kill(): void;
}

export interface WorkerEvents {
  message(message: FromWorker): void;
  /** Once, last. @param how for the log */
  exited(how: string): void;
}

/** All that a worker needs of the environment: no secret, and nothing of the service manager's. */
const PASSED_ON = ["PATH", "HOME", "TMPDIR", "LANG", "TZ", "SALLYPORT_DEBUG"];

/**
 * Starts a worker, which ends by itself when this process is gone.
 * @throws when the system can't make another process
 */
export function spawnWorker(command: string[], events: WorkerEvents): WorkerProcess {
  const environment = PASSED_ON.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  let gone = false;
  const child = Bun.spawn(command, {
    stdio: ["ignore", "inherit", "inherit"],
    env: Object.fromEntries(environment),
    serialization: "json",
    ipc(raw) {
      const parsed = fromWorkerSchema.safeParse(raw);
      if (!parsed.success) child.kill("SIGKILL");
      else if (!gone) events.message(parsed.data);
    },
    onExit(_, exitCode, signal) {
      gone = true;
      events.exited(signal === null ? `exit code ${exitCode}` : `signal ${signal}`);
    },
  });
  return {
    pid: child.pid,
    send(message) {
      if (!gone) child.send(message);
    },
    kill: () => child.kill("SIGKILL"),
  };
}
