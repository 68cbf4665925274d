import type { PumpResult } from "./pump.ts";
import type { ByteStream } from "./stream.ts";

/** How long the peer may take to close once we have said all. */
const LINGER_MS = 5000;

/**
 * Writes what there is to say, ends our direction and waits for the peer's end; what it still sends is dropped. A peer
 * that does not close in time is cut, which is no error. Resolves when the stream is over, never rejects.
 */
export function lastWords(
  stream: ByteStream,
  words: Buffer | null,
  lingerMs = LINGER_MS,
): Promise<PumpResult> {
  return new Promise((resolve) => {
    const result: PumpResult = { forward: 0, backward: words?.length ?? 0, error: null };
    let lingered = false;
    const timer = setTimeout(() => {
      lingered = true;
      stream.destroy();
    }, lingerMs);
    stream.attach({
      data(chunk) {
        result.forward += chunk.length;
        stream.consumed(chunk.length);
      },
      end() {},
      written() {},
      closed(error) {
        clearTimeout(timer);
        if (!lingered) result.error = error;
        resolve(result);
      },
    });
    if (words) stream.write(words);
    stream.end();
  });
}
