import { ALPN } from "../tunnel/alpn.ts";
import type { ByteStream, ByteStreamHandler } from "../tunnel/stream.ts";
import type { OpenedTunnel } from "./tunnel.ts";

/**
 * The tunnel's stream, safe to half-close. A gateway of Infisical's drops the target as soon as either direction ends
 * (PROTOCOL 0.5), so towards one our end is held back until the far side has ended.
 */
export function halfCloseable({ stream, alpn }: OpenedTunnel): ByteStream {
  return alpn === ALPN.tcp ? new HeldEnd(stream) : stream;
}

class HeldEnd implements ByteStream {
  #peerEnded = false;
  #held = false;

  constructor(private readonly stream: ByteStream) {}

  attach(handler: ByteStreamHandler): void {
    this.stream.attach({
      data: (chunk) => handler.data(chunk),
      end: () => {
        this.#peerEnded = true;
        handler.end();
        if (this.#held) this.stream.end();
      },
      written: (bytes) => handler.written(bytes),
      closed: (error) => handler.closed(error),
    });
  }

  write(chunk: Buffer): void {
    this.stream.write(chunk);
  }

  end(): void {
    this.#held = true;
    if (this.#peerEnded) this.stream.end();
  }

  destroy(error?: Error): void {
    this.stream.destroy(error);
  }

  consumed(bytes: number): void {
    this.stream.consumed(bytes);
  }
}
