import type { Environment } from "../environment.ts";
import { openNotifySocket } from "./sd-notify.ts";

/** How a daemon is doing, for `systemctl status`. */
export interface ServiceState {
  /** It does its work. Said once: a service that was ready stays so. */
  ready: boolean;
  /** One line. */
  status: string;
}

/** What the service manager hears of a daemon. All of it is nothing where there is no service manager. */
export interface ServiceReport {
  /** Looks at the state now instead of within a second. */
  update(): void;
  /** The daemon drains; what it says about its state after this is not reported any more. */
  stopping(status: string): void;
  close(): void;
}

interface ReportOptions {
  state: () => ServiceState;
  env?: Environment;
}

const LOOK_MS = 1000;
const STATUS_LIMIT = 400;

/**
 * Tells systemd (Type=notify) when the daemon is ready, how it is doing whenever that changes, and, where the unit has a
 * watchdog, twice per interval that its event loop turns.
 */
export function reportToServiceManager({ state, env = process.env }: ReportOptions): ServiceReport {
  const socket = openNotifySocket(env.NOTIFY_SOCKET);
  if (!socket) return { update() {}, stopping() {}, close() {} };
  let ready = false;
  let shown = "";
  let draining = false;

  const show = (status: string) => {
    const line = oneLine(status);
    if (line !== shown && socket.send(`STATUS=${line}`)) shown = line;
  };
  const update = () => {
    if (draining) return;
    const now = state();
    show(now.status);
    if (now.ready && !ready) ready = socket.send("READY=1");
  };
  const timers = [setInterval(update, LOOK_MS)];
  const watchdogMs = watchdogInterval(env);
  if (watchdogMs !== undefined) timers.push(setInterval(() => socket.send("WATCHDOG=1"), watchdogMs / 2));
  for (const timer of timers) timer.unref();
  update();
  return {
    update,
    stopping(status) {
      draining = true;
      socket.send("STOPPING=1");
      show(status);
    },
    close() {
      for (const timer of timers) clearInterval(timer);
      socket.close();
    },
  };
}

/** Milliseconds, if the watchdog watches this process (sd_watchdog_enabled(3)). */
function watchdogInterval(env: Environment): number | undefined {
  const microseconds = Number(env.WATCHDOG_USEC);
  const pid = env.WATCHDOG_PID;
  if (!Number.isSafeInteger(microseconds) || microseconds <= 0) return undefined;
  return pid === undefined || pid === String(process.pid) ? microseconds / 1000 : undefined;
}

/** A line break would begin another message. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").slice(0, STATUS_LIMIT);
}
