import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { endWithError } from "./answer.ts";
import { forward, forwardUpgrade } from "./forward.ts";
import type { HttpSession } from "./session.ts";

/** Head of a request, names and values. */
const HEADER_BYTES = 32 * 1024;
/** Requests of one tunnel that may wait for their answer; only a client that pipelines has more than one. */
const MOST_IN_FLIGHT = 32;

/**
 * The HTTP/1.1 server that all HTTP tunnels of a gateway share. It listens nowhere: tunnels are handed to it.
 * There is no idle cut: a tunnel lives as long as its client wants (ACCEPTANCE, "Limits to ship").
 */
export class HttpFront {
  readonly #sessions = new WeakMap<Duplex, HttpSession>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer({ maxHeaderSize: HEADER_BYTES, keepAliveTimeout: 0, requestTimeout: 0 });
    this.#server.timeout = 0;
    this.#server.on("request", (request, response) => {
      const session = this.#admit(request, response);
      if (session) void forward(request, response, session);
    });
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const session = this.#admit(request, socket);
      if (session) void forwardUpgrade(request, socket, head, session);
    });
    this.#server.on("connect", (_request: IncomingMessage, socket: Duplex) =>
      endWithError(socket, 400, "CONNECT is not forwarded: the target is fixed by the certificate"),
    );
    this.#server.on("clientError", (error, socket) => {
      endWithError(socket, 400, `the request is malformed: ${error.message}`);
    });
  }

  /** Serves the requests that come on `socket` until it closes. */
  serve(socket: Duplex, session: HttpSession): void {
    this.#sessions.set(socket, session);
    this.#server.emit("connection", socket);
  }

  /** Counts a request in until `exchange`, its response or upgraded socket, closes. */
  #admit(request: IncomingMessage, exchange: NodeJS.EventEmitter): HttpSession | undefined {
    const session = this.#sessions.get(request.socket);
    if (!session || session.inFlight >= MOST_IN_FLIGHT) {
      request.socket.destroy();
      return undefined;
    }
    session.inFlight++;
    exchange.once("close", () => session.inFlight--);
    return session;
  }
}
