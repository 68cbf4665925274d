import { connect, createServer, type Server } from "node:net";

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");

/** A PROXY header of version 2 for TCP over IPv4, as HAProxy writes it. */
export function proxyHeader(source: string, extra = Buffer.alloc(0)): Buffer {
  const addresses = Buffer.from([...source.split("."), ...[10, 0, 0, 1]].map(Number));
  const ports = Buffer.from([0x30, 0x39, 0x08, 0xae]);
  return rawProxyHeader(0x21, 0x11, Buffer.concat([addresses, ports, extra]));
}

export function rawProxyHeader(command: number, family: number, body: Buffer, length = body.length): Buffer {
  const fixed = Buffer.from([command, family, length >> 8, length & 255]);
  return Buffer.concat([SIGNATURE, fixed, body]);
}

export interface LoadBalancer {
  port: number;
  close(): void;
}

/** Passes connections on to a port of this machine, from its own address and with these bytes first. */
export async function startLoadBalancer(
  target: number,
  address: string,
  header: () => Buffer[],
): Promise<LoadBalancer> {
  const server = createServer({ allowHalfOpen: true }, (front) => {
    const back = connect({ host: "127.0.0.1", port: target, localAddress: address, allowHalfOpen: true });
    back.setNoDelay(true);
    for (const socket of [front, back]) socket.on("error", () => {});
    back.on("close", () => front.destroy());
    front.on("close", () => back.destroy());
    back.on("connect", async () => {
      for (const piece of header()) {
        back.write(piece);
        await Bun.sleep(1);
      }
      front.pipe(back);
      back.pipe(front);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: portOf(server), close: () => void server.close() };
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("it does not listen");
  return address.port;
}
