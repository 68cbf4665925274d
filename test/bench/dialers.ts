import { readFileSync } from "node:fs";
import { SocketStream, streamEvents } from "../../src/tunnel/socket.ts";
import type { ByteStream } from "../../src/tunnel/stream.ts";
import type { Dial } from "./measure.ts";

/** How a load generator reaches the target. */
export type DialSpec =
  | { via: "tcp"; port: number }
  /** `ca` is the path of the authority's certificate. */
  | { via: "tls"; port: number; ca: string }
  /** The full path: client library, relay, gateway. */
  | { via: "path"; directory: string };

export async function dialer(spec: DialSpec): Promise<Dial> {
  if (spec.via === "tcp") return () => dialTcp(spec.port);
  if (spec.via === "tls") {
    const ca = readFileSync(spec.ca);
    return () => dialTls(spec.port, ca);
  }
  // Loaded here so that the baselines' generators do not carry TLS and certificate code.
  const { SharedTunnels } = await import("../../src/client/shared-tunnels.ts");
  const { readClientDirectory } = await import("../../src/pki/directory.ts");
  const credentials = await readClientDirectory(spec.directory);
  const tunnels = new SharedTunnels();
  return async () => (await tunnels.open(credentials)).stream;
}

function dialTcp(port: number): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    Bun.connect<SocketStream | undefined>({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      socket: {
        ...streamEvents,
        open(socket) {
          const stream = new SocketStream();
          socket.data = stream;
          socket.setNoDelay(true);
          stream.open(socket);
          resolve(stream);
        },
      },
    }).catch(reject);
  });
}

function dialTls(port: number, ca: Buffer): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    Bun.connect<SocketStream | undefined>({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      tls: { ca, serverName: "localhost" },
      socket: {
        ...streamEvents,
        open(socket) {
          socket.data = new SocketStream();
          socket.setNoDelay(true);
        },
        handshake(socket, ok, error) {
          if (!ok || error || !socket.data) return reject(error ?? new Error("TLS failed"));
          socket.data.open(socket);
          resolve(socket.data);
        },
      },
    }).catch(reject);
  });
}
