import type { Traffic } from "../telemetry/connections.ts";
import { asSallyportError } from "../telemetry/error.ts";
import { lastWords } from "../tunnel/last-words.ts";
import { withPrologue } from "../tunnel/prologue.ts";
import { type PumpResult, pump } from "../tunnel/pump.ts";
import { errorLine, okLine } from "../tunnel/status-line.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import { dialTarget } from "./target-dial.ts";
import type { TargetPolicy } from "./target-policy.ts";
import type { Resolver, Target } from "./target-resolve.ts";

export interface TcpOptions {
  target: Target;
  policy: TargetPolicy;
  /** The client has agreed on `sallyport-tcp/1`: it is told how the dial went (EXTENSIONS X5). */
  statusLine: boolean;
  /** Cuts the session, with its reason. */
  signal: AbortSignal;
  resolve?: Resolver | undefined;
  targetDialMs?: number | undefined;
  /** Counts on while bytes go: forward is from the client. */
  traffic?: Traffic;
}

/**
 * Dials the target and joins it with the client. Until then the client's bytes wait in the stream's window. A client
 * of `infisical-tcp-proxy` sees a failed dial as an orderly end without a byte. Never rejects.
 */
export async function serveTcp(stream: ByteStream, options: TcpOptions): Promise<PumpResult> {
  const { target, policy, statusLine, signal, resolve, targetDialMs: timeoutMs, traffic } = options;
  let connection: ByteStream;
  try {
    connection = await dialTarget(target, policy, { signal, timeoutMs, resolve });
  } catch (error) {
    const refusal = asSallyportError(error, "INTERNAL", "The dial failed");
    await lastWords(stream, statusLine ? errorLine(refusal.code, refusal.message) : null);
    return { forward: 0, backward: 0, error: refusal };
  }
  const cut = () => stream.destroy(signal.reason);
  signal.addEventListener("abort", cut);
  const over = pump(withPrologue(stream, statusLine ? okLine() : null), connection, traffic);
  return over.finally(() => signal.removeEventListener("abort", cut));
}
