import { createConnection, createServer, type Server, type Socket } from "node:net";

export interface ProxyRules {
  /** Demanded when given. */
  login?: { username: string; password: string };
  /** `host:port` as it is asked for, to the loopback port it leads to; anything else is refused. */
  routes: Map<string, number>;
  /** Cuts a connection on which nothing moved for so long. */
  idleMs?: number;
}

/** An HTTP proxy that knows CONNECT only, and a SOCKS5 proxy, on loopback ports. */
export class StubProxy {
  /** What was asked for, `host:port`, with `!` in front when it was refused. */
  readonly asked: string[] = [];
  readonly #open = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly rules: ProxyRules,
  ) {}

  static async http(rules: ProxyRules): Promise<StubProxy> {
    return StubProxy.#listen(rules, (proxy, socket) => proxy.#http(socket));
  }

  static async socks(rules: ProxyRules): Promise<StubProxy> {
    return StubProxy.#listen(rules, (proxy, socket) => void proxy.#socks(socket));
  }

  static async #listen(
    rules: ProxyRules,
    serve: (proxy: StubProxy, socket: Socket) => void,
  ): Promise<StubProxy> {
    const server = createServer({ allowHalfOpen: true });
    const proxy = new StubProxy(server, rules);
    server.on("connection", (socket) => {
      proxy.#keep(socket);
      serve(proxy, socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    const address = this.server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy is closed");
    return address.port;
  }

  /** Connections that are open, both ways counted. */
  get open(): number {
    return this.#open.size;
  }

  /** Cuts every connection, as a proxy that restarts. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  close(): void {
    this.server.close();
    this.cut();
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    socket.on("close", () => this.#open.delete(socket));
    socket.on("error", () => socket.destroy());
  }

  #http(socket: Socket): void {
    let head = "";
    const read = (chunk: Buffer) => {
      head += chunk.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.off("data", read);
      const [, host = "", port] = /^CONNECT (.+):(\d+) HTTP\/1\.1\r\n/.exec(head) ?? [];
      const { login } = this.rules;
      const wanted =
        login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
      if (wanted && !head.includes(`\r\nProxy-Authorization: ${wanted}\r\n`)) {
        this.asked.push(`!${host}:${port}`);
        return socket.end("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n");
      }
      this.#join(
        socket,
        `${host}:${port}`,
        () => socket.write("HTTP/1.1 200 Connection established\r\nVia: stub\r\n\r\n"),
        () => socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nno go"),
        Buffer.from(head.slice(end + 4), "latin1"),
      );
    };
    socket.on("data", read);
  }

  async #socks(socket: Socket): Promise<void> {
    const bytes = reader(socket);
    const [, count = 0] = await bytes.take(2);
    const methods = await bytes.take(count);
    const { login } = this.rules;
    const method = login ? 2 : 0;
    if (!methods.includes(method)) return void socket.end(Buffer.of(5, 255));
    socket.write(Buffer.of(5, method));
    if (login) {
      const username = await bytes.take((await bytes.take(2))[1] ?? 0);
      const password = await bytes.take((await bytes.take(1))[0] ?? 0);
      const right = username.toString() === login.username && password.toString() === login.password;
      socket.write(Buffer.of(1, right ? 0 : 1));
      if (!right) return void socket.end();
    }
    const [, , , kind] = await bytes.take(4);
    const host =
      kind === 3
        ? (await bytes.take((await bytes.take(1))[0] ?? 0)).toString()
        : kind === 1
          ? [...(await bytes.take(4))].join(".")
          : `[${(await bytes.take(16)).toString("hex")}]`;
    const port = (await bytes.take(2)).readUInt16BE();
    const answer = (reply: number) => Buffer.of(5, reply, 0, 3, 4, ...Buffer.from("stub"), 0, 0);
    this.#join(
      socket,
      `${host}:${port}`,
      () => socket.write(answer(0)),
      () => socket.end(answer(2)),
      bytes.rest(),
    );
  }

  #join(socket: Socket, to: string, accept: () => void, refuse: () => void, early: Buffer): void {
    const port = this.rules.routes.get(to);
    this.asked.push(port === undefined ? `!${to}` : to);
    if (port === undefined) return refuse();
    const far = createConnection({ host: "127.0.0.1", port, allowHalfOpen: true });
    this.#keep(far);
    far.on("connect", () => {
      accept();
      if (early.length > 0) far.write(early);
      socket.pipe(far);
      far.pipe(socket);
      this.#cutWhenIdle([socket, far]);
    });
    for (const [one, other] of [
      [socket, far],
      [far, socket],
    ] as const) {
      one.on("close", () => other.destroy());
    }
  }

  #cutWhenIdle(ends: Socket[]): void {
    const { idleMs } = this.rules;
    if (idleMs === undefined) return;
    const idle = () => {
      for (const end of ends) end.destroy();
    };
    let timer = setTimeout(idle, idleMs);
    for (const end of ends) {
      end.on("data", () => {
        clearTimeout(timer);
        timer = setTimeout(idle, idleMs);
      });
      end.on("close", () => clearTimeout(timer));
    }
  }
}

function reader(socket: Socket) {
  let bytes: Buffer = Buffer.alloc(0);
  let wake = () => {};
  const read = (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    wake();
  };
  socket.on("data", read);
  return {
    async take(count: number): Promise<Buffer> {
      while (bytes.length < count) await new Promise<void>((resolve) => (wake = resolve));
      const part = bytes.subarray(0, count);
      bytes = bytes.subarray(count);
      return part;
    },
    rest(): Buffer {
      socket.off("data", read);
      return bytes;
    },
  };
}
