import { dlopen, ptr } from "bun:ffi";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

/** What a service manager has at the other end of `$NOTIFY_SOCKET`: collects the datagrams. Linux with glibc. */
export class NotifyReceiver {
  readonly messages: string[] = [];
  readonly #libc = dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    recv: { args: ["i32", "ptr", "usize", "i32"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
  }).symbols;
  readonly #descriptor: number;
  readonly #timer: Timer;

  /** @param address a path, or `@name` for an abstract socket */
  constructor(readonly address: string) {
    const name = Buffer.from(address.startsWith("@") ? `\0${address.slice(1)}` : `${address}\0`);
    const sockaddr = Buffer.concat([new Uint8Array(new Uint16Array([AF_UNIX]).buffer), name]);
    this.#descriptor = this.#libc.socket(AF_UNIX, SOCK_DGRAM, 0);
    if (this.#libc.bind(this.#descriptor, ptr(sockaddr), sockaddr.length) !== 0) {
      throw new Error(`Cannot listen on ${address}`);
    }
    this.#timer = setInterval(() => this.#receive(), 5);
  }

  /** The first message that is `wanted`, once it has come. @throws after ten seconds */
  async message(wanted: string | RegExp): Promise<string> {
    for (let i = 0; i < 2000; i++) {
      const found = this.messages.find((text) =>
        wanted instanceof RegExp ? wanted.test(text) : text === wanted,
      );
      if (found !== undefined) return found;
      await Bun.sleep(5);
    }
    throw new Error(`${wanted} did not come, but ${JSON.stringify(this.messages)}`);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#libc.close(this.#descriptor);
  }

  #receive(): void {
    const buffer = Buffer.alloc(4096);
    for (;;) {
      const length = Number(this.#libc.recv(this.#descriptor, ptr(buffer), buffer.length, MSG_DONTWAIT));
      if (length < 0) return;
      this.messages.push(buffer.toString("utf8", 0, length));
    }
  }
}
