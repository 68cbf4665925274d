import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import type { HttpSessionOptions } from "../../src/gateway/http/session.ts";
import { serveHttp } from "../../src/gateway/http-mode.ts";
import { parsePolicy } from "../../src/gateway/target-policy.ts";
import type { PumpResult } from "../../src/tunnel/pump.ts";
import { StreamDuplex } from "./stream-duplex.ts";
import { type MemoryStream, streamPair } from "./stream-pair.ts";

export interface Answer {
  status: number;
  headers: IncomingMessage["headers"];
  rawHeaders: string[];
  body: string;
}

/** The client's end of one HTTP tunnel, served by the gateway's HTTP mode in this process. */
export class HttpTunnel {
  readonly gatewayEnd: MemoryStream;
  readonly clientEnd: MemoryStream;
  readonly duplex: ClientSocket;
  /** What the gateway says when it is over. */
  readonly result: Promise<PumpResult>;
  readonly #agent: Agent;
  #text = "";
  #ended = false;
  #changed: () => void = () => {};

  constructor(options: Partial<Omit<HttpSessionOptions, "config">> & Pick<HttpSessionOptions, "target">) {
    [this.clientEnd, this.gatewayEnd] = streamPair();
    this.result = serveHttp(this.gatewayEnd, {
      actor: { type: "user" },
      policy: parsePolicy({ allow: ["localhost"], deny: [] }),
      serviceAccount: noPod,
      exactStatus: false,
      ...options,
    });
    this.duplex = new ClientSocket(this.clientEnd);
    this.duplex.on("error", () => this.#finish());
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1 });
    this.#agent.createConnection = () => this.duplex;
  }

  /** Sends the first line. */
  config(line = "CONFIG"): this {
    this.duplex.write(`${line}\n`);
    return this;
  }

  /** One request through `node:http`, on the one connection that the tunnel is. */
  async call(
    path: string,
    o: { method?: string; headers?: OutgoingHttpHeaders; body?: string | Buffer } = {},
  ): Promise<Answer> {
    const answer = await this.open(path, o);
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    const { statusCode: status = 0, headers, rawHeaders } = answer;
    return { status, headers, rawHeaders, body: Buffer.concat(chunks).toString() };
  }

  /** The same, without reading the body. */
  open(
    path: string,
    o: { method?: string; headers?: OutgoingHttpHeaders; body?: string | Buffer } = {},
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { method = "GET", headers = {}, body } = o;
      const outgoing = request({ agent: this.#agent, host: "tunnel", path, method, headers });
      outgoing.on("response", resolve).on("error", reject).end(body);
    });
  }

  /** Writes raw bytes; with `until`, waits for text that matches, or for the end, and returns what came since. */
  async raw(bytes: string | Buffer, until: RegExp = /(?!)/): Promise<string> {
    if (this.duplex.listenerCount("data") === 0) {
      this.duplex.on("data", (chunk: Buffer) => {
        this.#text += chunk.toString("latin1");
        this.#changed();
      });
      this.duplex.on("end", () => this.#finish());
    }
    if (bytes.length > 0) this.duplex.write(bytes);
    while (!until.test(this.#text) && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
    const text = this.#text;
    this.#text = "";
    return text;
  }

  close(): void {
    this.#agent.destroy();
    this.clientEnd.destroy();
  }

  #finish(): void {
    this.#ended = true;
    this.#changed();
  }
}

/** With what an HTTP client's agent asks of a socket. */
class ClientSocket extends StreamDuplex {
  setKeepAlive(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

const noPod = {
  token: () => Promise.reject(new Error("no pod")),
  apiServer: () => Promise.reject(new Error("no pod")),
};
