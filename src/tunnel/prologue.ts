import type { ByteStream } from "./stream.ts";

/**
 * The stream with a line of our own sent first. The line's bytes are not reported as `written`: nobody upstream sent
 * them, so nobody may get credit for them.
 */
export function withPrologue(stream: ByteStream, line: Buffer | null): ByteStream {
  if (line === null) return stream;
  let own = line.length;
  return {
    attach(handler) {
      stream.attach({
        data: (chunk) => handler.data(chunk),
        end: () => handler.end(),
        written(bytes) {
          const counted = Math.min(own, bytes);
          own -= counted;
          if (bytes > counted) handler.written(bytes - counted);
        },
        closed: (error) => handler.closed(error),
      });
      stream.write(line);
    },
    write: (chunk) => stream.write(chunk),
    end: () => stream.end(),
    destroy: (error) => stream.destroy(error),
    consumed: (bytes) => stream.consumed(bytes),
  };
}
