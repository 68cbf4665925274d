import { SallyportError } from "../telemetry/error.ts";
import type { SshLimits } from "./ssh/limits.ts";

/** One limit that an operator may change. */
export interface LimitRow<K extends string = string> {
  key: K;
  /** `--limit <name>=<value>`; in the environment SALLYPORT_LIMIT_<NAME>. */
  name: string;
  unit: "ms" | "bytes" | "count" | "per second";
  standard: number;
  least: number;
  most: number;
  meaning: string;
}

/** What relay and gateway alike hold the SSH tunnel between them to. */
export interface TunnelLimits {
  channels: number;
  opensPerSecond: number;
  opensBurst: number;
  windowBudgetBytes: number;
  initialWindowBytes: number;
  maxWindowBytes: number;
  minWindowBytes: number;
  rekeyBytes: number;
  rekeyMs: number;
  keepaliveMs: number;
  deadAfterMs: number;
}

const KiB = 1024;
const MiB = 1024 * KiB;
/** Above that a timer fires at once, and no window of SSH's can be much wider (RFC 4254, 5.2 allows 2^32 - 1). */
const MOST = { ms: 2 ** 31 - 1, bytes: 2 ** 31 - 1, count: 1_000_000, "per second": 1_000_000 };
/** A sum over all tunnels, and bytes that are counted over hours. */
const MOST_IN_ALL = 2 ** 40;

/** How many there may be through one gateway. */
export const CHANNEL_ROWS: readonly LimitRow<keyof TunnelLimits>[] = [
  limitRow("channels", "count", 1_000, 1, "Open tunnels through one gateway"),
  limitRow("opensPerSecond", "per second", 200, 1, "New tunnels through one gateway, sustained"),
  limitRow("opensBurst", "count", 500, 1, "New tunnels through one gateway at once"),
];

/** Their memory and keys. */
export const WINDOW_ROWS: readonly LimitRow<keyof TunnelLimits>[] = [
  inAll("windowBudgetBytes", 256 * MiB, "Advertised, unreturned credit of all tunnels together"),
  limitRow("initialWindowBytes", "bytes", 256 * KiB, 32 * KiB, "Receive window of a new tunnel"),
  limitRow("maxWindowBytes", "bytes", 16 * MiB, 32 * KiB, "Receive window of a busy tunnel on a long line"),
  limitRow(
    "minWindowBytes",
    "bytes",
    64 * KiB,
    32 * KiB,
    "Receive window of a new tunnel when the budget is short",
  ),
  inAll("rekeyBytes", 1024 * MiB, "New SSH keys after this many bytes that SSH encrypts"),
  limitRow("rekeyMs", "ms", 3_600_000, 1_000, "New SSH keys after this long"),
  limitRow("keepaliveMs", "ms", 10_000, 100, "Pause between SSH keepalives"),
];

/** A row whose name is its key in kebab-case. */
export function limitRow<K extends string>(
  key: K,
  unit: LimitRow["unit"],
  standard: number,
  least: number,
  meaning: string,
): LimitRow<K> {
  const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return { key, name, unit, standard, least, most: MOST[unit], meaning };
}

/** What holds unless somebody says otherwise. */
export function standardsOf<K extends string>(rows: readonly LimitRow<K>[]): Record<K, number> {
  return Object.fromEntries(rows.map(({ key, standard }) => [key, standard])) as Record<K, number>;
}

/**
 * Limits from `--limit name=value` flags, which win, and SALLYPORT_LIMIT_<NAME> variables; the standard for the rest.
 * @throws SallyportError CONFIG_INVALID for an unknown name, a value that is no whole number in range, or limits that
 * contradict each other
 */
export function readLimitTable<L extends TunnelLimits>(
  rows: readonly LimitRow<keyof L & string>[],
  standard: L,
  flags: string[],
  env: Record<string, string | undefined>,
): L {
  const limits = { ...standard };
  const set = (row: LimitRow<keyof L & string>, text: string) =>
    Object.assign(limits, { [row.key]: value(row, text) });
  for (const row of rows) {
    const text = env[environmentName(row)];
    if (text !== undefined && text !== "") set(row, text);
  }
  for (const flag of flags) {
    const equals = flag.indexOf("=");
    const row = rows.find(({ name }) => name === flag.slice(0, equals));
    if (equals < 0 || !row) {
      const names = rows.map(({ name }) => name).join(", ");
      throw new SallyportError(
        "CONFIG_INVALID",
        `--limit ${JSON.stringify(flag)} names no limit: write name=value with one of ${names}`,
      );
    }
    set(row, flag.slice(equals + 1));
  }
  requireSense(limits);
  return limits;
}

export function environmentName({ name }: Pick<LimitRow, "name">): string {
  return `SALLYPORT_LIMIT_${name.replaceAll("-", "_").toUpperCase()}`;
}

/** Those of one SSH connection; what comes before the login is not here. */
export function sshLimits(limits: TunnelLimits): Omit<SshLimits, "loginGraceMs" | "authTries"> {
  const { channels, opensPerSecond, opensBurst, rekeyBytes, rekeyMs, keepaliveMs, deadAfterMs } = limits;
  return {
    ...{ channels, opensPerSecond, opensBurst, rekeyBytes, rekeyMs, keepaliveMs, deadAfterMs },
    initialWindow: limits.initialWindowBytes,
    maxWindow: limits.maxWindowBytes,
    minWindow: limits.minWindowBytes,
  };
}

function inAll<K extends string>(key: K, standard: number, meaning: string): LimitRow<K> {
  return { ...limitRow(key, "bytes", standard, MiB, meaning), most: MOST_IN_ALL };
}

function value({ name, least, most, unit }: LimitRow, text: string): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  const what = unit === "count" ? "" : ` (${unit})`;
  throw new SallyportError(
    "CONFIG_INVALID",
    `The limit ${name} is ${JSON.stringify(text)}: use a whole number from ${least} to ${most}${what}`,
  );
}

/** Each limit may be right by itself and yet let no tunnel live beside the others. */
function requireSense(limits: TunnelLimits): void {
  const { keepaliveMs, deadAfterMs, minWindowBytes, initialWindowBytes, maxWindowBytes } = limits;
  if (deadAfterMs < keepaliveMs * 1.5) {
    throw contradiction(
      `dead-after-ms is ${deadAfterMs} and keepalive-ms ${keepaliveMs}, so peers that are well would be cut between two keepalives: make dead-after-ms twice keepalive-ms`,
    );
  }
  if (minWindowBytes > initialWindowBytes || initialWindowBytes > maxWindowBytes) {
    throw contradiction(
      `min-window-bytes (${minWindowBytes}), initial-window-bytes (${initialWindowBytes}) and max-window-bytes (${maxWindowBytes}) have to be in this order, none smaller than the one before`,
    );
  }
}

function contradiction(text: string): SallyportError {
  return new SallyportError("CONFIG_INVALID", `The limits contradict each other: ${text}.`);
}
