import { connect, createServer, type Socket } from "node:net";

export interface RoundRobin {
  port: number;
  url: string;
  /** Connections passed on to each port so far. */
  passed: Map<number, number>;
  close(): void;
}

/**
 * A load balancer of TCP connections on loopback: each goes to the next port of this machine, or to the one after it
 * where nobody listens. What breaks on one side is broken off on the other.
 */
export async function startRoundRobin(ports: number[]): Promise<RoundRobin> {
  const passed = new Map<number, number>();
  const sockets = new Set<Socket>();
  let next = 0;
  const pass = (front: Socket, first: number, tried = 0) => {
    const port = ports[(first + tried) % ports.length] ?? 0;
    const back = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    let open = false;
    back.on("connect", () => {
      open = true;
      passed.set(port, (passed.get(port) ?? 0) + 1);
      front.pipe(back);
      back.pipe(front);
    });
    back.on("error", () => {
      if (!open && tried + 1 < ports.length) pass(front, first, tried + 1);
      else front.resetAndDestroy();
    });
    back.on("close", () => open && front.destroy());
    front.on("close", () => back.destroy());
    keep(back);
  };
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true }, (front) => {
    front.on("error", () => front.destroy());
    keep(front);
    pass(front, next++);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    passed,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
