import { SallyportError } from "../telemetry/error.ts";

/** What a relay grants its peers, before and after they have said who they are (ACCEPTANCE, "Limits to ship"). */
export interface RelayLimits {
  loginGraceMs: number;
  authTries: number;
  tlsHandshakeMs: number;
  proxyHeaderMs: number;
  unauthenticated: number;
  unauthenticatedPerAddress: number;
  penaltyMs: number;
  penaltyCapMs: number;
  channels: number;
  opensPerSecond: number;
  opensBurst: number;
  openTimeoutMs: number;
  windowBudgetBytes: number;
  initialWindowBytes: number;
  maxWindowBytes: number;
  minWindowBytes: number;
  rekeyBytes: number;
  rekeyMs: number;
  keepaliveMs: number;
  deadAfterMs: number;
  tcpKeepaliveMs: number;
  drainMs: number;
  adviceMs: number;
}

export interface LimitRow {
  key: keyof RelayLimits;
  /** `--limit <name>=<value>`; in the environment SALLYPORT_LIMIT_<NAME>. */
  name: string;
  unit: "ms" | "bytes" | "count" | "per second";
  standard: number;
  least: number;
  meaning: string;
}

const KiB = 1024;
const MiB = 1024 * KiB;

/** The one table: defaults, names for flags and environment, and the text of docs/reference.md. */
export const RELAY_LIMITS: readonly LimitRow[] = [
  row("loginGraceMs", "ms", 10_000, 100, "A gateway's SSH connection has this long to authenticate"),
  row("authTries", "count", 3, 1, "Authentication attempts on one SSH connection"),
  row("tlsHandshakeMs", "ms", 5_000, 100, "A client's TLS handshake takes at most this long"),
  row("proxyHeaderMs", "ms", 3_000, 100, "A load balancer has this long to send its PROXY header"),
  row("unauthenticated", "count", 100, 1, "Connections that have not authenticated yet, both ports together"),
  row("unauthenticatedPerAddress", "count", 10, 1, "The same from one address (IPv4 /32, IPv6 /64)"),
  row("penaltyMs", "ms", 5_000, 0, "First pause of an address after a failed authentication; doubles"),
  row("penaltyCapMs", "ms", 60_000, 0, "Longest such pause"),
  row("channels", "count", 1_000, 1, "Open tunnels through one gateway"),
  row("opensPerSecond", "per second", 200, 1, "New tunnels through one gateway, sustained"),
  row("opensBurst", "count", 500, 1, "New tunnels through one gateway at once"),
  row("openTimeoutMs", "ms", 10_000, 100, "A gateway has this long to accept a tunnel"),
  row("windowBudgetBytes", "bytes", 256 * MiB, MiB, "Advertised, unreturned credit of all tunnels together"),
  row("initialWindowBytes", "bytes", 256 * KiB, 32 * KiB, "Receive window of a new tunnel"),
  row("maxWindowBytes", "bytes", 16 * MiB, 32 * KiB, "Receive window of a busy tunnel on a long line"),
  row(
    "minWindowBytes",
    "bytes",
    64 * KiB,
    32 * KiB,
    "Receive window of a new tunnel when the budget is short",
  ),
  row("rekeyBytes", "bytes", 1024 * MiB, MiB, "New SSH keys after this many bytes"),
  row("rekeyMs", "ms", 3_600_000, 1_000, "New SSH keys after this long"),
  row("keepaliveMs", "ms", 10_000, 100, "Pause between SSH keepalives"),
  row("deadAfterMs", "ms", 20_000, 200, "A gateway that sent no byte for this long is gone"),
  row(
    "tcpKeepaliveMs",
    "ms",
    30_000,
    1_000,
    "Silence after which TCP asks whether a peer's machine is there",
  ),
  row("drainMs", "ms", 30_000, 0, "Open tunnels have this long to end when a session or the relay drains"),
  row(
    "adviceMs",
    "ms",
    3_000,
    0,
    "Of that, a relay that stops serves new clients this long, while gateways get another tunnel",
  ),
];

export const DEFAULT_RELAY_LIMITS: Readonly<RelayLimits> = Object.fromEntries(
  RELAY_LIMITS.map(({ key, standard }) => [key, standard]),
) as unknown as RelayLimits;

/**
 * Limits from `--limit name=value` flags, which win, and SALLYPORT_LIMIT_<NAME> variables.
 * @throws SallyportError CONFIG_INVALID for an unknown name, a value that is no whole number in range, or limits that
 * contradict each other
 */
export function readLimits(flags: string[], env: Record<string, string | undefined>): RelayLimits {
  const limits = { ...DEFAULT_RELAY_LIMITS };
  for (const entry of RELAY_LIMITS) {
    const text = env[environmentName(entry)];
    if (text !== undefined && text !== "") limits[entry.key] = value(entry, text);
  }
  for (const flag of flags) {
    const equals = flag.indexOf("=");
    const entry = RELAY_LIMITS.find(({ name }) => name === flag.slice(0, equals));
    if (equals < 0 || !entry) {
      const names = RELAY_LIMITS.map(({ name }) => name).join(", ");
      throw new SallyportError(
        "CONFIG_INVALID",
        `--limit ${JSON.stringify(flag)} names no limit: write name=value with one of ${names}`,
      );
    }
    limits[entry.key] = value(entry, flag.slice(equals + 1));
  }
  requireSense(limits);
  return limits;
}

export function environmentName({ name }: LimitRow): string {
  return `SALLYPORT_LIMIT_${name.replaceAll("-", "_").toUpperCase()}`;
}

/** Above that a timer fires at once, and no window of SSH's can be wider (RFC 4254, 5.1 allows 2^32 - 1). */
const MOST = { ms: 2 ** 31 - 1, bytes: 2 ** 31 - 1, count: 1_000_000, "per second": 1_000_000 };
/** A sum over all tunnels, and bytes that are counted over hours. */
const MOST_IN_ALL = 2 ** 40;

function value({ key, name, least, unit }: LimitRow, text: string): number {
  const most = key === "windowBudgetBytes" || key === "rekeyBytes" ? MOST_IN_ALL : MOST[unit];
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  const what = unit === "count" ? "" : ` (${unit})`;
  throw new SallyportError(
    "CONFIG_INVALID",
    `The limit ${name} is ${JSON.stringify(text)}: use a whole number from ${least} to ${most}${what}`,
  );
}

/** Each limit may be right by itself and yet let no tunnel live beside the others. */
function requireSense(limits: RelayLimits): void {
  const { keepaliveMs, deadAfterMs, minWindowBytes, initialWindowBytes, maxWindowBytes } = limits;
  if (deadAfterMs < keepaliveMs * 1.5) {
    throw contradiction(
      `dead-after-ms is ${deadAfterMs} and keepalive-ms ${keepaliveMs}, so gateways that are well would be cut between two keepalives: make dead-after-ms twice keepalive-ms`,
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

function row(
  key: keyof RelayLimits,
  unit: LimitRow["unit"],
  standard: number,
  least: number,
  meaning: string,
): LimitRow {
  const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return { key, name, unit, standard, least, meaning };
}
