import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";

const MIB = 1024 * 1024;
/** Random, so that nothing on the way can make it smaller; the same for every sender of this process. */
const noise = randomBytes(MIB);

export interface Transferred {
  bytes: number;
  /** SHA-256 in hexadecimal. */
  digest: string;
}

/** One direction of a connection: blocks of 1 MiB, each with its number in it, so that a swap of two shows. */
export class Outgoing {
  #next = 0;
  readonly #hash = new Bun.CryptoHasher("sha256");

  constructor(private readonly socket: Socket) {}

  /** Resolves once the socket has taken them. */
  async send(blocks: number): Promise<void> {
    for (let i = 0; i < blocks; i++) {
      const block = Buffer.from(noise);
      block.writeUInt32BE(this.#next++);
      this.#hash.update(block);
      if (!this.socket.write(block)) await new Promise((resolve) => this.socket.once("drain", resolve));
    }
  }

  /** Ends this direction; the other one goes on. */
  end(): Transferred {
    this.socket.end();
    return { bytes: this.#next * MIB, digest: this.#hash.digest("hex") };
  }
}

/** Reads a connection until its peer ends its direction. @throws when it breaks off */
export function receiveAll(socket: Socket): Promise<Transferred> {
  const hash = new Bun.CryptoHasher("sha256");
  let bytes = 0;
  return new Promise((resolve, reject) => {
    socket.on("data", (chunk) => {
      hash.update(chunk);
      bytes += chunk.length;
    });
    socket.on("end", () => resolve({ bytes, digest: hash.digest("hex") }));
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`the connection broke off after ${bytes} bytes`)));
  });
}
