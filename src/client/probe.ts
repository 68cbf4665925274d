import { z } from "zod";
import { formatHostPort } from "../host/address.ts";
import type { ClientCredentials } from "../pki/credentials.ts";
import { describe, SallyportError } from "../telemetry/error.ts";
import { saysWhy } from "../tunnel/alpn.ts";
import { lastWords } from "../tunnel/last-words.ts";
import { NoStatusLine, readStatusLine } from "../tunnel/status-line.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import { isCertificateAlert } from "../tunnel/tls/handshake-failure.ts";
import { dialOuterTls } from "../tunnel/tls/outer-client.ts";
import { requireCurrent } from "./own-certificate.ts";
import { openTunnel, type TunnelOptions } from "./tunnel.ts";

const TIMEOUT_MS = 10_000;
const ANSWER_LIMIT = 1024;
/** A gateway that does not close after its answer is left without a farewell. */
const LEAVE_MS = 1_000;

const health = z.object({
  status: z.string().optional(),
  heartbeatTTL: z.number().int().positive().max(86_400).optional().catch(undefined),
});

/**
 * Asks a gateway whether it is there (PROTOCOL E): `infisical-health`, or `infisical-ping` from gateways that know no
 * more. Says how long its answer holds, null if it does not say.
 * @throws SallyportError as `openTunnel`; TLS_FAILED for an answer that is none
 */
export async function probeGateway(
  credentials: ClientCredentials,
  options: Omit<TunnelOptions, "mode"> = {},
): Promise<{ heartbeatTtlSeconds: number | null }> {
  const { timeoutMs = TIMEOUT_MS, signal } = options;
  const deadline = performance.now() + timeoutMs;
  const { stream } = await openTunnel(credentials, { ...options, mode: "health", timeoutMs });
  const answer = await readAnswer(stream, Math.max(1, deadline - performance.now()), signal);
  return { heartbeatTtlSeconds: readTtl(answer) };
}

/**
 * Checks that a relay answers and takes this certificate. Infisical's relay closes without a word after the handshake
 * of a heartbeat certificate: there, a close that is no alert is the good answer.
 * @throws SallyportError RELAY_UNREACHABLE, TLS_UNTRUSTED, TLS_FAILED, CERTIFICATE_REFUSED, TIMEOUT; what the relay says
 */
export async function probeRelay(
  { relay, relayHost, relayAddress, relayPort }: ClientCredentials,
  options: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const { timeoutMs = TIMEOUT_MS, signal } = options;
  const deadline = performance.now() + timeoutMs;
  requireCurrent(relay.certificate, "relay");
  const { stream, alpn } = await dialOuterTls({
    host: relayHost,
    address: relayAddress,
    port: relayPort,
    identity: relay,
    timeoutMs,
    signal,
  });
  const answer = await readStatusLine(stream, Math.max(1, deadline - performance.now()), signal);
  if (answer.ok) return answer.stream.destroy();
  const { error } = answer;
  if (!(error instanceof NoStatusLine)) throw error;
  const refused = isCertificateAlert(error.detail) || (saysWhy(alpn) && error.detail === null);
  const who = `The relay ${formatHostPort(relayHost, relayPort)}`;
  if (refused) {
    throw new SallyportError("CERTIFICATE_REFUSED", `${who} refused this client's certificate.`, {
      cause: error,
    });
  }
  if (error.detail === null) return;
  throw new SallyportError("TLS_FAILED", `${who} was lost: ${describe(error.detail)}.`, { cause: error });
}

/**
 * Everything up to a newline, a closing brace or the end. The stream is over soon afterwards: after an answer it ends in
 * order, for to cut it would make of each probe a connection that the relay has lost.
 */
function readAnswer(stream: ByteStream, timeoutMs: number, signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const settled = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    const answered = () => {
      settled();
      resolve(text);
    };
    const leave = () => {
      answered();
      void lastWords(stream, null, LEAVE_MS);
    };
    const fail = (error: unknown) => {
      settled();
      reject(error);
      stream.destroy();
    };
    const abort = () => fail(signal?.reason);
    const timer = setTimeout(
      () =>
        fail(new SallyportError("TIMEOUT", "The gateway was reached but did not answer the health check.")),
      timeoutMs,
    );
    signal?.addEventListener("abort", abort, { once: true });
    const silence = () =>
      fail(
        new SallyportError(
          "TLS_FAILED",
          "The gateway closed the connection without an answer to the health check.",
        ),
      );
    stream.attach({
      data(chunk) {
        text += chunk.toString("latin1");
        stream.consumed(chunk.length);
        if (text.length > ANSWER_LIMIT)
          fail(new SallyportError("TLS_FAILED", "The gateway's health answer is too long."));
        else if (/\n|\}$/.test(text)) leave();
      },
      end: () => (text === "" ? silence() : leave()),
      written() {},
      closed: () => (text === "" ? silence() : answered()),
    });
  });
}

/** What is not our kind of JSON is still an answer (PROTOCOL E: PONG, or anything with a newline). */
function readTtl(answer: string): number | null {
  try {
    return health.parse(JSON.parse(answer)).heartbeatTTL ?? null;
  } catch {
    return null;
  }
}
