import type { ByteStream, ByteStreamHandler } from "./stream.ts";

/** What went through a pump, and how it ended. `error` is null when both sides ended in order. */
export interface PumpResult {
  /** Bytes from `a` to `b`. */
  forward: number;
  /** Bytes from `b` to `a`. */
  backward: number;
  error: Error | null;
}

/**
 * Carries bytes between two streams, both ways, until both directions are over. Each direction ends on its own
 * (half-close), and a reader gets credit only for what the writer on the other side has passed on, so memory stays
 * within the two windows. When one stream fails, the other is destroyed.
 */
export function pump(a: ByteStream, b: ByteStream): Promise<PumpResult> {
  return new Promise((resolve) => {
    const result: PumpResult = { forward: 0, backward: 0, error: null };
    // What a stream tells while its partner is not attached yet waits: the partner could not report `written`.
    const waiting: (() => void)[] = [];
    let joined = false;
    const whenJoined = (event: () => void) => {
      if (joined) event();
      else waiting.push(event);
    };
    const over = new Set<ByteStream>();
    const side = (from: ByteStream, to: ByteStream, count: (bytes: number) => void): ByteStreamHandler => ({
      data: (chunk) =>
        whenJoined(() => {
          count(chunk.length);
          // A gateway of Infisical's closes both directions at once: what still comes for it has nowhere to go.
          if (over.has(to)) from.consumed(chunk.length);
          else to.write(chunk);
        }),
      end: () => whenJoined(() => to.end()),
      written: (bytes) => whenJoined(() => to.consumed(bytes)),
      closed: (error) =>
        whenJoined(() => {
          result.error ??= error;
          over.add(from);
          if (error) to.destroy(error);
          if (over.size === 2) resolve(result);
        }),
    });
    a.attach(side(a, b, (bytes) => (result.forward += bytes)));
    b.attach(side(b, a, (bytes) => (result.backward += bytes)));
    for (const event of waiting) event();
    joined = true;
  });
}
