import type { ClientCredentials } from "../pki/credentials.ts";
import { ALPN } from "../tunnel/alpn.ts";
import { readStatusLine } from "../tunnel/status-line.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import type { TlsConnection } from "../tunnel/tls/connection.ts";
import type { Outbound } from "./outbound.ts";
import { explainSilentRefusal, nameOf, reachGateway } from "./reach-gateway.ts";

/** What the tunnel carries (PROTOCOL D). */
export type TunnelMode = "tcp" | "http" | "ping" | "health";

export interface TunnelOptions {
  mode?: TunnelMode;
  /** For all of it, until the target is dialled where the gateway says so. */
  timeoutMs?: number;
  /** For the connection to the relay, if shorter. */
  relayTimeoutMs?: number | undefined;
  /** How the relay is reached; directly unless given. */
  outbound?: Outbound | undefined;
  signal?: AbortSignal;
}

export interface OpenedTunnel {
  stream: ByteStream;
  /** What the gateway agreed on. */
  alpn: string | null;
  /** Serial number of the gateway's certificate. */
  gatewaySerial: string;
  connectMs: number;
}

/** For all of a tunnel, unless told. */
export const TIMEOUT_MS = 30_000;

/** In the order in which they are offered; the gateway chooses. */
const OFFERS: Record<TunnelMode, readonly string[]> = {
  tcp: [ALPN.sallyportTcp, ALPN.tcp],
  http: [ALPN.sallyportHttp, ALPN.http],
  ping: [ALPN.ping],
  health: [ALPN.health, ALPN.ping],
};

/**
 * Opens a tunnel: through the relay to the gateway, and from there to the target that the gateway certificate names
 * (PROTOCOL D). Towards Sallyport's relay and gateway it resolves once both have said that it worked, and otherwise
 * throws what they said (EXTENSIONS X5). Infisical's say nothing: there it resolves after the gateway's handshake, and
 * a target that cannot be reached shows as an end without a byte.
 *
 * On failure nothing is left open.
 * @throws SallyportError as `reachGateway`, TARGET_*, SESSION_ENDED; the signal's reason
 */
export async function openTunnel(
  credentials: ClientCredentials,
  options: TunnelOptions = {},
): Promise<OpenedTunnel> {
  const started = performance.now();
  const deadline = started + (options.timeoutMs ?? TIMEOUT_MS);
  const left = () => Math.max(1, deadline - performance.now());
  const { mode = "tcp", relayTimeoutMs, outbound, signal } = options;
  const alpns = OFFERS[mode];
  const gateway = await reachGateway(credentials, { alpns, left, relayTimeoutMs, outbound, signal });
  const stream = await whenServed(gateway, credentials, left(), signal);
  return openedTunnel(gateway, stream, started);
}

/** The stream once the gateway has said that the target is reached, where it says so. @throws SallyportError what it says */
export async function whenServed(
  { stream, alpn }: TlsConnection,
  credentials: ClientCredentials,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<ByteStream> {
  if (alpn !== ALPN.sallyportTcp) return stream;
  const answer = await readStatusLine(stream, timeoutMs, signal);
  if (!answer.ok) throw explainSilentRefusal(answer.error, `The gateway ${nameOf(credentials)}`);
  return answer.stream;
}

/** @param started milliseconds of `performance.now()` */
export function openedTunnel(
  { alpn, peer }: Pick<TlsConnection, "alpn" | "peer">,
  stream: ByteStream,
  started: number,
): OpenedTunnel {
  return { stream, alpn, gatewaySerial: peer.serial, connectMs: performance.now() - started };
}
