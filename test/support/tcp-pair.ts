import { SocketStream, streamEvents } from "../../src/tunnel/socket.ts";

export interface TcpPair {
  a: SocketStream;
  b: SocketStream;
  close(): void;
}

/** Two ends of one TCP connection on loopback. */
export async function tcpPair(): Promise<TcpPair> {
  const accepted = Promise.withResolvers<SocketStream>();
  const listener = Bun.listen<SocketStream | undefined>({
    hostname: "127.0.0.1",
    port: 0,
    allowHalfOpen: true,
    socket: {
      ...streamEvents,
      open(socket) {
        socket.data = new SocketStream();
        socket.data.open(socket);
        accepted.resolve(socket.data);
      },
    },
  });
  const a = await connectTcp(listener.port);
  const b = await accepted.promise;
  listener.stop();
  return {
    a,
    b,
    close() {
      a.destroy();
      b.destroy();
    },
  };
}

/** A connection to a port on loopback. */
export function connectTcp(port: number): Promise<SocketStream> {
  return new Promise((resolve, reject) => {
    const stream = new SocketStream();
    Bun.connect<SocketStream | undefined>({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      socket: {
        ...streamEvents,
        open(socket) {
          socket.data = stream;
          stream.open(socket);
          resolve(stream);
        },
      },
    }).catch(reject);
  });
}
