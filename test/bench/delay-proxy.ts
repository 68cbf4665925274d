import { SocketStream, streamEvents } from "../../src/tunnel/socket.ts";
import type { ByteStream, ByteStreamHandler } from "../../src/tunnel/stream.ts";

/**
 * A long line on one machine: `bun delay-proxy.ts <port to listen on> <port to forward to> <ms each way>`. Bandwidth is
 * not limited, only every byte arrives later. Prints `ready`.
 */
const [listenPort, targetPort, delayMs] = process.argv.slice(2).map(Number) as [number, number, number];

/** Bytes that may be under way in one direction: 64 MiB is 640 MB/s at 100 ms. */
const UNDER_WAY = 64 * 1024 * 1024;

Bun.listen<SocketStream | undefined>({
  hostname: "127.0.0.1",
  port: listenPort,
  allowHalfOpen: true,
  socket: {
    ...streamEvents,
    open(socket) {
      const near = new SocketStream();
      const far = new SocketStream();
      socket.data = near;
      socket.setNoDelay(true);
      near.open(socket);
      near.attach(delayed(near, far));
      far.attach(delayed(far, near));
      connect(far);
    },
  },
});
process.stdout.write("ready\n");

function connect(far: SocketStream): void {
  Bun.connect<SocketStream>({
    hostname: "127.0.0.1",
    port: targetPort,
    allowHalfOpen: true,
    socket: {
      ...streamEvents,
      open(socket) {
        socket.data = far;
        socket.setNoDelay(true);
        far.open(socket);
      },
    },
  }).catch((error: Error) => far.destroy(error));
}

/** What comes from one side reaches the other `delayMs` later; timers of one length fire in order. */
function delayed(from: ByteStream, to: ByteStream): ByteStreamHandler {
  let underWay = 0;
  let owed = 0;
  return {
    data(chunk) {
      underWay += chunk.length;
      owed += chunk.length;
      if (underWay < UNDER_WAY) settle();
      setTimeout(() => {
        underWay -= chunk.length;
        to.write(chunk);
        if (underWay < UNDER_WAY) settle();
      }, delayMs);
    },
    end: () => void setTimeout(() => to.end(), delayMs),
    written() {},
    closed: (error) => void setTimeout(() => error && to.destroy(error), delayMs),
  };

  function settle(): void {
    const bytes = owed;
    owed = 0;
    from.consumed(bytes);
  }
}
