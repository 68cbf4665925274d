import type { LocalPort } from "../../src/client/local-server.ts";
import type { ProxyPortOptions } from "../../src/client/proxy/port.ts";
import type { OpenedTunnel } from "../../src/client/tunnel.ts";
import type { HostPort } from "../../src/host/address.ts";
import { SallyportError } from "../../src/telemetry/error.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { ALPN } from "../../src/tunnel/alpn.ts";
import { Inbox } from "./byte-stream.ts";
import { connectTcp } from "./tcp-pair.ts";

/** A local proxy whose tunnels are plain connections to ports of this machine, whatever host is named. */
export class LocalProxy {
  readonly asked: HostPort[] = [];
  readonly errors: SallyportError[] = [];
  readonly #port: LocalPort;
  readonly #programs: Inbox[] = [];

  constructor(
    listen: (options: ProxyPortOptions) => LocalPort,
    options: Partial<ProxyPortOptions> & { failure?: SallyportError } = {},
  ) {
    const { failure, ...rest } = options;
    this.#port = listen({
      hostname: "127.0.0.1",
      port: 0,
      log: silentLogger,
      onError: (error) => this.errors.push(error),
      open: async (target) => {
        this.asked.push(target);
        if (failure) throw failure;
        return opened(target.port);
      },
      ...rest,
    });
  }

  get port(): number {
    return this.#port.port;
  }

  get connections(): number {
    return this.#port.connections();
  }

  /** A program that connects and says something. */
  async program(says: string | Buffer = ""): Promise<Inbox> {
    const inbox = new Inbox(await connectTcp(this.port));
    this.#programs.push(inbox);
    if (says.length > 0) inbox.write(typeof says === "string" ? says : says.toString("latin1"));
    return inbox;
  }

  async close(): Promise<void> {
    for (const { stream } of this.#programs) stream.destroy();
    await this.#port.close();
  }
}

async function opened(port: number): Promise<OpenedTunnel> {
  const stream = await connectTcp(port).catch((cause: unknown) => {
    throw new SallyportError("TARGET_REFUSED", "The gateway cannot connect.", { cause });
  });
  return { stream, alpn: ALPN.sallyportTcp, gatewaySerial: "1", connectMs: 1 };
}
