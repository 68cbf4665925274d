import { formatHostPort } from "../host/address.ts";
import type { ClientCredentials } from "../pki/credentials.ts";
import { describe, SallyportError } from "../telemetry/error.ts";
import { isOwnMode, saysWhy } from "../tunnel/alpn.ts";
import { carryBallast } from "../tunnel/heap-ballast.ts";
import { expectStatusLine, NoStatusLine } from "../tunnel/status-line.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import type { TlsConnection } from "../tunnel/tls/connection.ts";
import { isCertificateAlert } from "../tunnel/tls/handshake-failure.ts";
import { dialInnerTls } from "../tunnel/tls/inner-client.ts";
import { dialOuterTls } from "../tunnel/tls/outer-client.ts";
import type { Outbound } from "./outbound.ts";
import { requireCurrent } from "./own-certificate.ts";
import { Turns } from "./turns.ts";

export interface ReachOptions {
  /** What the tunnel may carry, in the order in which it is offered; the gateway chooses (PROTOCOL D). */
  alpns: readonly string[];
  /** Milliseconds that are left for all of it; asked at each step. */
  left: () => number;
  /** For the connection to the relay, if shorter. */
  relayTimeoutMs?: number | undefined;
  /** How the relay is reached; directly unless given. */
  outbound?: Outbound | undefined;
  signal?: AbortSignal | undefined;
}

/** Handshakes at a time with one relay; it admits ten per address by default, and there may be two of us. */
const handshakes = new Turns(5);

/**
 * Through the relay to the gateway: both TLS sessions (PROTOCOL D). Towards Sallyport's relay it resolves once that has
 * said that it joined us to the gateway, and otherwise throws what it said (EXTENSIONS X5). Infisical's says nothing.
 * What the gateway has to say comes after this. On failure nothing is left open.
 * @throws SallyportError RELAY_UNREACHABLE, PROXY_*, TLS_UNTRUSTED, TLS_FAILED, CERTIFICATE_REFUSED, TIMEOUT, CONFIG_INVALID,
 * GATEWAY_*, RESOURCE_SHORTAGE, DRAINING, MODE_UNSUPPORTED; the signal's reason
 */
export async function reachGateway(
  credentials: ClientCredentials,
  { alpns, left, relayTimeoutMs = Number.POSITIVE_INFINITY, outbound, signal }: ReachOptions,
): Promise<TlsConnection> {
  const trip: Trip = { left, forRelay: () => Math.min(left(), relayTimeoutMs), outbound };
  carryBallast();
  requireCurrent(credentials.relay.certificate, "relay");
  requireCurrent(credentials.gateway.certificate, "gateway");
  const reach: Reach = (stream) =>
    dialInnerTls(stream, {
      identity: credentials.gateway,
      alpns,
      gatewayId: credentials.gatewayId,
      requireUri: credentials.requireGatewayUri,
      timeoutMs: left(),
      signal,
    });
  return (await reachRelayInTurn(credentials, reach, trip, signal)).gateway;
}

interface Trip {
  /** Milliseconds that are left: for everything, and for the connection to the relay. */
  left: () => number;
  forRelay: () => number;
  outbound: Outbound | undefined;
}

/** The inner handshake with the gateway, over what leads to it. */
type Reach = (stream: ByteStream) => Promise<TlsConnection>;

async function reachRelayInTurn(
  credentials: ClientCredentials,
  reach: Reach,
  trip: Trip,
  signal: AbortSignal | undefined,
): Promise<{ gateway: Promise<TlsConnection> }> {
  const { relayHost, relayPort } = credentials;
  const timeoutMs = trip.left();
  const release = await handshakes.take(formatHostPort(relayHost, relayPort), { timeoutMs, signal });
  try {
    return await reachRelay(credentials, reach, trip, signal);
  } finally {
    release();
  }
}

/**
 * Resolves once the relay has said that it joined us to the gateway, or will not say so. The handshake with the gateway
 * begins before that: the relay passes its first bytes on when it gets there, which saves a round trip.
 */
async function reachRelay(
  credentials: ClientCredentials,
  reach: Reach,
  { left, forRelay, outbound }: Trip,
  signal: AbortSignal | undefined,
): Promise<{ gateway: Promise<TlsConnection> }> {
  const { relay, relayHost, relayAddress, relayPort } = credentials;
  const outer = await dialOuterTls({
    host: relayHost,
    address: relayAddress,
    port: relayPort,
    proxy: outbound?.proxy({ host: relayHost, port: relayPort }),
    caFile: outbound?.caFile,
    identity: relay,
    timeoutMs: forRelay(),
    signal,
  });
  if (!saysWhy(outer.alpn)) {
    const gateway = reach(outer.stream).catch((error: unknown) => {
      throw error instanceof SallyportError ? explainSilence(error, credentials) : error;
    });
    return { gateway };
  }
  const { answer, rest } = expectStatusLine(outer.stream, left(), signal);
  const gateway = reach(rest).then((connection) => {
    // From here on its records, which nobody can cut short unnoticed, need no second encryption.
    if (isOwnMode(connection.alpn)) outer.stream.stepAside();
    return connection;
  });
  const who = `The relay ${formatHostPort(relayHost, relayPort)}`;
  const said = await Promise.race([answer, gateway.then(() => answer)]).catch((error: unknown) => {
    throw isTimeout(error) ? explainSilentRefusal(error, who) : error;
  });
  if (!said.ok) throw explainSilentRefusal(said.error, who);
  return { gateway };
}

/** Infisical's relay closes without a word, whatever the reason. */
export function explainSilence(error: SallyportError, credentials: ClientCredentials): SallyportError {
  if (error.code !== "TLS_FAILED") return error;
  const relay = formatHostPort(credentials.relayHost, credentials.relayPort);
  if (isCertificateAlert(error.cause)) {
    const text = `The relay ${relay} refused this client's certificate.`;
    return new SallyportError("CERTIFICATE_REFUSED", text, { cause: error });
  }
  return new SallyportError(
    "GATEWAY_NOT_CONNECTED",
    `The relay ${relay} closed the connection without a word: the gateway ${nameOf(credentials)} is not connected to it, or the relay refused this client's certificate.`,
    { cause: error },
  );
}

/** A peer that speaks X5 and yet says nothing did not get as far: under TLS 1.3 it checks us after our handshake. */
export function explainSilentRefusal(error: SallyportError, who: string): SallyportError {
  if (error.code === "TIMEOUT") {
    return new SallyportError("TIMEOUT", `${who} did not say in time how it went.`, { cause: error });
  }
  if (error.code === "CERTIFICATE_REFUSED" && !(error instanceof NoStatusLine)) {
    return new SallyportError(error.code, `${who} says: ${error.message}`, { cause: error });
  }
  if (!(error instanceof NoStatusLine)) return error;
  const { detail } = error;
  if (detail === null || isCertificateAlert(detail)) {
    return new SallyportError("CERTIFICATE_REFUSED", `${who} refused this client's certificate.`, {
      cause: error,
    });
  }
  return new SallyportError("TLS_FAILED", `${who} was lost before it had answered: ${describe(detail)}.`, {
    cause: error,
  });
}

function isTimeout(error: unknown): error is SallyportError {
  return error instanceof SallyportError && error.code === "TIMEOUT";
}

export function nameOf({ gatewayName, gatewayId }: ClientCredentials): string {
  return gatewayName ?? gatewayId;
}
