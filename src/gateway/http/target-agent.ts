import { Agent, type ClientRequestArgs } from "node:http";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { describe, SallyportError } from "../../telemetry/error.ts";
import { connectInTurn, type DialOptions } from "../target-dial.ts";
import type { TargetPolicy } from "../target-policy.ts";
import type { Origin } from "./origin.ts";

type Connected = (error: Error | null, socket?: Duplex) => void;

/**
 * Connections of one session to one origin. They are made to literal addresses that the policy has allowed, and reused
 * within the session only, one at a time: so answers come in the order of the requests.
 */
export class TargetAgent extends Agent {
  constructor(
    private readonly origin: Origin,
    private readonly policy: TargetPolicy,
    private readonly dial: DialOptions,
  ) {
    super({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 });
  }

  override createConnection(_options: ClientRequestArgs, connected: Connected): undefined {
    const { origin } = this;
    connectInTurn(origin, this.policy, this.dial, (address, port, signal) =>
      open(origin, address, port, signal),
    ).then(
      (socket) => connected(null, socket),
      (error: Error) => connected(error),
    );
    return undefined;
  }
}

function open(origin: Origin, address: string, port: number, signal: AbortSignal): Promise<Socket> {
  const tcp = { host: address, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 };
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket: Socket =
    origin.scheme === "http"
      ? connectTcp(tcp, () => resolve(socket))
      : connectTls(
          {
            ...tcp,
            ...(isIP(origin.host) === 0 && { servername: origin.host }),
            ...(origin.authorities !== undefined && { ca: origin.authorities }),
            rejectUnauthorized: origin.verify,
            ALPNProtocols: ["http/1.1"],
          },
          () => resolve(socket),
        );
  let connected = false;
  socket.once("connect", () => (connected = true));
  socket.once("error", (error) => reject(connected ? untrusted(origin, error) : error));
  const abort = () => socket.destroy();
  signal.addEventListener("abort", abort);
  return promise.finally(() => signal.removeEventListener("abort", abort));
}

function untrusted(origin: Origin, cause: Error): SallyportError {
  return new SallyportError(
    origin.verify ? "TLS_UNTRUSTED" : "TLS_FAILED",
    `The TLS handshake with ${origin.host} failed: ${describe(cause)}.`,
    { cause },
  );
}
