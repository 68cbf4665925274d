import {
  CHANNEL_ROWS,
  type LimitRow,
  limitRow,
  readLimitTable,
  standardsOf,
  type TunnelLimits,
  WINDOW_ROWS,
} from "../tunnel/limit-table.ts";

/** What a relay grants its peers, before and after they have said who they are (ACCEPTANCE, "Limits to ship"). */
export interface RelayLimits extends TunnelLimits {
  loginGraceMs: number;
  authTries: number;
  tlsHandshakeMs: number;
  proxyHeaderMs: number;
  unauthenticated: number;
  unauthenticatedPerAddress: number;
  penaltyMs: number;
  penaltyCapMs: number;
  openTimeoutMs: number;
  tcpKeepaliveMs: number;
  drainMs: number;
  adviceMs: number;
}

/** The one table: defaults, names for flags and environment, and the text of docs/reference.md. */
export const RELAY_LIMITS: readonly LimitRow<keyof RelayLimits>[] = [
  limitRow("loginGraceMs", "ms", 10_000, 100, "A gateway's SSH connection has this long to authenticate"),
  limitRow("authTries", "count", 3, 1, "Authentication attempts on one SSH connection"),
  limitRow("tlsHandshakeMs", "ms", 5_000, 100, "A client's TLS handshake takes at most this long"),
  limitRow("proxyHeaderMs", "ms", 3_000, 100, "A load balancer has this long to send its PROXY header"),
  limitRow(
    "unauthenticated",
    "count",
    100,
    1,
    "Connections that have not authenticated yet, both ports together",
  ),
  limitRow("unauthenticatedPerAddress", "count", 10, 1, "The same from one address (IPv4 /32, IPv6 /64)"),
  limitRow("penaltyMs", "ms", 5_000, 0, "First pause of an address after a failed authentication; doubles"),
  limitRow("penaltyCapMs", "ms", 60_000, 0, "Longest such pause"),
  ...CHANNEL_ROWS,
  limitRow("openTimeoutMs", "ms", 10_000, 100, "A gateway has this long to accept a tunnel"),
  ...WINDOW_ROWS,
  limitRow("deadAfterMs", "ms", 20_000, 200, "A gateway that sent no byte for this long is gone"),
  limitRow(
    "tcpKeepaliveMs",
    "ms",
    30_000,
    1_000,
    "Silence after which TCP asks whether a peer's machine is there",
  ),
  limitRow(
    "drainMs",
    "ms",
    30_000,
    0,
    "Open tunnels have this long to end when a session or the relay drains",
  ),
  limitRow(
    "adviceMs",
    "ms",
    3_000,
    0,
    "Of that, a relay that stops serves new clients this long, while gateways get another tunnel",
  ),
];

export const DEFAULT_RELAY_LIMITS: Readonly<RelayLimits> = standardsOf(RELAY_LIMITS);

/** @throws SallyportError CONFIG_INVALID */
export function readLimits(flags: string[], env: Record<string, string | undefined>): RelayLimits {
  return readLimitTable(RELAY_LIMITS, DEFAULT_RELAY_LIMITS, flags, env);
}
