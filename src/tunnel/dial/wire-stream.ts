import { SocketStream } from "../socket.ts";
import type { Wire } from "./wire.ts";

/** A wire that nobody else uses any more as a stream, from the first byte that has not been read. */
export function streamOf(wire: Wire): SocketStream {
  const stream = new SocketStream();
  stream.open(wire.socket);
  wire.attach({
    data: (chunk) => stream.onData(chunk),
    drained: () => stream.onDrain(),
    ended: () => stream.onEnd(),
    closed: (error) => stream.onClose(error),
  });
  return stream;
}
