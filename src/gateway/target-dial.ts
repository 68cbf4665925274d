import { descriptors } from "../host/descriptors.ts";
import { describe, SallyportError, systemCode } from "../telemetry/error.ts";
import { SocketStream, streamEvents } from "../tunnel/socket.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import { DEFAULT_GATEWAY_LIMITS } from "./limits.ts";
import type { TargetPolicy } from "./target-policy.ts";
import { type Resolver, resolveTarget, type Target, targetLabel, unresolved } from "./target-resolve.ts";

export interface DialOptions {
  /** For everything: DNS and all addresses in turn. Milliseconds. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
  resolve?: Resolver | undefined;
}

/** Seconds of silence before TCP keepalive asks. */
export const KEEPALIVE_MS = 30_000;
/**
 * Bun 1.4.5 can't take back a connect that is under way: one that nobody waits for lives on until the kernel gives it
 * up after some two minutes. This bounds how many there are.
 */
const MOST_PENDING = 1000;
let pending = 0;

/**
 * Connects to a target: resolves it, asks the policy about every address, and dials the allowed ones in turn.
 * @throws SallyportError TARGET_DENIED | TARGET_UNRESOLVED | TARGET_REFUSED | TARGET_TIMEOUT | RESOURCE_SHORTAGE
 */
export function dialTarget(
  target: Target,
  policy: TargetPolicy,
  options: DialOptions = {},
): Promise<ByteStream> {
  return connectInTurn(target, policy, options, connect);
}

/**
 * Resolves, decides, and calls `attempt` for each allowed address until one succeeds, sharing out the time that is
 * left. `attempt` must stop when its signal fires.
 * @throws SallyportError as `dialTarget`; errors of `attempt` that are ours pass through at once
 */
export async function connectInTurn<T>(
  target: Target,
  policy: TargetPolicy,
  options: DialOptions,
  attempt: (address: string, port: number, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + (options.timeoutMs ?? DEFAULT_GATEWAY_LIMITS.targetDialMs);
  const within = <R>(ms: number, late: () => SallyportError, work: (signal: AbortSignal) => Promise<R>) =>
    limited(ms, late, options.signal, work);
  const left = () => Math.max(0, deadline - performance.now());

  const addresses = await within(
    left(),
    () => unresolved(target.host),
    () => resolveTarget(target, policy, options.resolve),
  );
  let failure: SallyportError | undefined;
  for (const [index, address] of addresses.entries()) {
    try {
      const share = left() / (addresses.length - index);
      return await within(
        share,
        () => timedOut(target),
        (signal) => attempt(address, target.port, signal),
      );
    } catch (error) {
      if (options.signal?.aborted) throw error;
      failure = asTargetError(target, error);
      if (failure.code !== "TARGET_REFUSED" && failure.code !== "TARGET_TIMEOUT") throw failure;
    }
  }
  throw failure ?? timedOut(target);
}

function connect(address: string, port: number, signal: AbortSignal): Promise<ByteStream> {
  return withinPending(async () => {
    const stream = new SocketStream();
    const socket = await Bun.connect<SocketStream>({
      hostname: address,
      port,
      allowHalfOpen: true,
      data: stream,
      socket: streamEvents,
    });
    if (signal.aborted) {
      socket.terminate();
      throw signal.reason;
    }
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_MS);
    stream.open(socket);
    return stream;
  });
}

/** Counts a connection attempt, which may outlive whoever waited for it. @throws SallyportError RESOURCE_SHORTAGE */
export async function withinPending<T>(work: () => Promise<T>): Promise<T> {
  if (pending >= MOST_PENDING) {
    throw new SallyportError(
      "RESOURCE_SHORTAGE",
      "The gateway has too many unanswered connection attempts; try again in a minute.",
    );
  }
  descriptors.requireOne();
  pending++;
  try {
    return await work();
  } finally {
    pending--;
  }
}

/** Runs `work` under a time limit and the caller's signal; what it yields too late is dropped. */
async function limited<T>(
  ms: number,
  late: () => SallyportError,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = (error: SallyportError) => {
    reject(error);
    controller.abort(error);
  };
  const cancel = () => stop(cancelled(outer));
  if (outer?.aborted) throw cancelled(outer);
  const timer = setTimeout(() => stop(late()), ms);
  outer?.addEventListener("abort", cancel);
  try {
    return await Promise.race([stopped, work(controller.signal)]);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", cancel);
  }
}

function asTargetError(target: Target, error: unknown): SallyportError {
  if (error instanceof SallyportError) return error;
  if (systemCode(error) === "ETIMEDOUT") return timedOut(target, error);
  const where = targetLabel(target);
  return new SallyportError(
    "TARGET_REFUSED",
    `The gateway cannot connect to ${where} (${systemCode(error) ?? describe(error)}): is the service running there, and may the gateway reach it?`,
    { cause: error },
  );
}

/** Why the caller gave up, if it says so itself. */
function cancelled(signal: AbortSignal | undefined): SallyportError {
  if (signal?.reason instanceof SallyportError) return signal.reason;
  return new SallyportError("SESSION_ENDED", "The session ended before the target answered.");
}

function timedOut(target: Target, cause?: unknown): SallyportError {
  const where = targetLabel(target);
  return new SallyportError(
    "TARGET_TIMEOUT",
    `${where} did not answer the gateway in time: is the address right, and does a firewall drop the packets?`,
    { cause },
  );
}
