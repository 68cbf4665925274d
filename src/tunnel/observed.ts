import type { ByteStream, ByteStreamHandler } from "./stream.ts";

/**
 * The same stream, with some of what it tells going through other hands first: `watch` gets the real handler and
 * returns the calls that it answers itself.
 */
export function observed(
  stream: ByteStream,
  watch: (handler: ByteStreamHandler) => Partial<ByteStreamHandler>,
): ByteStream {
  return {
    attach: (handler) =>
      stream.attach({
        data: (chunk) => handler.data(chunk),
        end: () => handler.end(),
        written: (bytes) => handler.written(bytes),
        closed: (error) => handler.closed(error),
        ...watch(handler),
      }),
    write: (chunk) => stream.write(chunk),
    end: () => stream.end(),
    destroy: (error) => stream.destroy(error),
    consumed: (bytes) => stream.consumed(bytes),
  };
}
