import type { Traffic } from "../telemetry/connections.ts";
import type { ByteStream, ByteStreamHandler } from "./stream.ts";

/** What went through a pump, and how it ended. `error` is null when both sides ended in order. */
export interface PumpResult extends Traffic {
  error: Error | null;
}

/**
 * Carries bytes between two streams, both ways, until both directions are over. Each direction ends on its own
 * (half-close), and a reader gets credit only for what the writer on the other side has passed on, so memory stays
 * within the two windows. When one stream fails, the other is destroyed.
 * @param traffic counts while bytes go: forward from `a` to `b`, backward from `b` to `a`
 */
export function pump(
  a: ByteStream,
  b: ByteStream,
  traffic: Traffic = { forward: 0, backward: 0 },
): Promise<PumpResult> {
  return new Promise((resolve) => {
    let failure: Error | null = null;
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
          failure ??= error;
          over.add(from);
          if (error) to.destroy(error);
          if (over.size === 2) resolve({ ...traffic, error: failure });
        }),
    });
    a.attach(side(a, b, (bytes) => (traffic.forward += bytes)));
    b.attach(side(b, a, (bytes) => (traffic.backward += bytes)));
    for (const event of waiting) event();
    joined = true;
  });
}
