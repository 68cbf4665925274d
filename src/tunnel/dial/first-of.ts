import { type Clock, settlesWithin } from "../../host/clock.ts";

export interface FirstOfOptions<T> {
  /** One try. It need not stop when it is no longer wanted. */
  attempt: (candidate: string) => Promise<T>;
  /** A try that succeeded too late. */
  discard: (late: T) => void;
  /** A candidate that does not answer within this time gets company by the next one; milliseconds. */
  staggerMs: number;
  clock: Clock;
  signal?: AbortSignal | undefined;
}

/**
 * The first success (RFC 8305, 5): the candidates start one after the other, the next as soon as one has failed or has
 * not answered for a while. Rejects with the first failure when all have failed, and with the signal's reason.
 */
export function firstOf<T>(candidates: string[], options: FirstOfOptions<T>): Promise<T> {
  const { attempt, discard, staggerMs, clock, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const over = new AbortController();
  const failures: unknown[] = [];
  const settle = (then: () => void) => {
    if (over.signal.aborted) return;
    over.abort();
    signal?.removeEventListener("abort", cancel);
    then();
  };
  const cancel = () => settle(() => reject(signal?.reason));
  const failed = (error: unknown) => {
    failures.push(error);
    if (failures.length === candidates.length) settle(() => reject(failures[0]));
  };
  const run = (candidate: string) =>
    attempt(candidate).then(
      (result) => (over.signal.aborted ? discard(result) : settle(() => resolve(result))),
      failed,
    );
  const start = async () => {
    for (const candidate of candidates) {
      if (over.signal.aborted) return;
      await settlesWithin(clock, run(candidate), staggerMs, over.signal);
    }
  };
  if (signal?.aborted) cancel();
  else signal?.addEventListener("abort", cancel);
  if (candidates.length === 0) settle(() => reject(new Error("there is no address")));
  void start();
  return promise;
}
