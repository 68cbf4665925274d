import type { Logger } from "../telemetry/log.ts";

type StopSignal = "SIGTERM" | "SIGINT";

/** The part of `process` that is used. */
interface SignalHost {
  on(signal: StopSignal, listener: () => void): unknown;
  off(signal: StopSignal, listener: () => void): unknown;
  exit(code: number): void;
}

/** The same signal again within this is the first one: to a process group it comes from the kernel, and from npx or npm. */
const ECHO_MS = 100;

/**
 * Resolves once SIGTERM or SIGINT came and `handler` has drained, so that the command returns and exits 0 (ACCEPTANCE
 * O4). A second signal does not wait: exit 130 after SIGINT, 143 after SIGTERM. Rejects with what `handler` throws.
 */
export function onShutdown(
  handler: () => Promise<void>,
  options: { log: Logger; host?: SignalHost; now?: () => number },
): Promise<void> {
  const { log, host = process, now = () => performance.now() } = options;
  return new Promise((resolve, reject) => {
    let first: { signal: StopSignal; at: number } | undefined;
    const listeners = (["SIGTERM", "SIGINT"] as const).map((signal) => ({
      signal,
      listener: () => {
        if (first) {
          const isEcho = signal === first.signal && now() - first.at < ECHO_MS;
          return isEcho ? undefined : host.exit(signal === "SIGINT" ? 130 : 143);
        }
        first = { signal, at: now() };
        log.info("Shutting down; a second signal does not wait", { signal });
        handler()
          .finally(() => {
            for (const { signal, listener } of listeners) host.off(signal, listener);
          })
          .then(resolve, reject);
      },
    }));
    for (const { signal, listener } of listeners) host.on(signal, listener);
  });
}

/**
 * SIGHUP asks for a reload, as from logrotate or `systemctl reload`; unheard it would end the process. Returns how to stop
 * listening.
 */
export function onHangup(reload: () => void): () => void {
  process.on("SIGHUP", reload);
  return () => void process.off("SIGHUP", reload);
}
