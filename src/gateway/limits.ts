import {
  CHANNEL_ROWS,
  type LimitRow,
  limitRow,
  readLimitTable,
  standardsOf,
  type TunnelLimits,
  WINDOW_ROWS,
} from "../tunnel/limit-table.ts";

/**
 * What a gateway grants what comes through its relays (ACCEPTANCE, "Limits to ship"). Of the limits on tunnels those of
 * relay and gateway both hold: whoever raises one has to raise the other.
 */
export interface GatewayLimits extends TunnelLimits {
  innerHandshakeMs: number;
  targetDialMs: number;
  drainMs: number;
}

/** The one table, as the relay's. */
export const GATEWAY_LIMITS: readonly LimitRow<keyof GatewayLimits>[] = [
  limitRow(
    "innerHandshakeMs",
    "ms",
    10_000,
    100,
    "A client's TLS handshake with the gateway takes at most this long",
  ),
  limitRow("targetDialMs", "ms", 10_000, 100, "A target has this long to answer: DNS and all its addresses"),
  ...CHANNEL_ROWS,
  ...WINDOW_ROWS,
  limitRow("deadAfterMs", "ms", 20_000, 200, "A relay that sent no byte for this long is gone"),
  limitRow("drainMs", "ms", 30_000, 0, "Open connections have this long to end when the gateway stops"),
];

export const DEFAULT_GATEWAY_LIMITS: Readonly<GatewayLimits> = standardsOf(GATEWAY_LIMITS);

/** @throws SallyportError CONFIG_INVALID */
export function readGatewayLimits(flags: string[], env: Record<string, string | undefined>): GatewayLimits {
  return readLimitTable(GATEWAY_LIMITS, DEFAULT_GATEWAY_LIMITS, flags, env);
}
