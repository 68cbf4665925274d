import { type DialSpec, dialer } from "./dialers.ts";
import { perform, type Task, type TaskResult } from "./measure.ts";

/**
 * A load generator is a process of its own, so that its CPU time is the client's: this file is both the process
 * (when run) and the handle to it (when imported).
 */
export interface Generator {
  pid: number;
  run(task: Task): Promise<TaskResult>;
  close(): void;
}

type Answer = { result: TaskResult } | { error: string };

export async function startGenerator(spec: DialSpec): Promise<Generator> {
  let waiting: PromiseWithResolvers<TaskResult> | undefined;
  const ready = Promise.withResolvers<void>();
  const child = Bun.spawn([process.execPath, import.meta.path, JSON.stringify(spec)], {
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
    ipc(answer: Answer | "ready") {
      if (answer === "ready") ready.resolve();
      else if ("error" in answer) waiting?.reject(new Error(`${spec.via}: ${answer.error}`));
      else waiting?.resolve(answer.result);
    },
    onExit(_, exitCode) {
      const error = new Error(`the load generator (${spec.via}) ended with ${exitCode}`);
      ready.reject(error);
      waiting?.reject(error);
    },
  });
  await ready.promise;
  return {
    pid: child.pid,
    run(task) {
      waiting = Promise.withResolvers();
      child.send(task);
      return waiting.promise;
    },
    // It ends by itself, and tidies up, when the channel to it closes.
    close: () => child.disconnect(),
  };
}

async function serve(spec: DialSpec): Promise<void> {
  const dial = await dialer(spec);
  const answer = (message: Answer | "ready") => process.send?.(message);
  process.on("message", (task: Task) => {
    perform(task, dial).then(
      (result) => answer({ result }),
      (error: unknown) => answer({ error: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.on("disconnect", () => process.exit(0));
  answer("ready");
}

if (import.meta.main) await serve(JSON.parse(process.argv[2] ?? "") as DialSpec);
