import type { Clock } from "../host/clock.ts";
import { asSallyportError, describe, SallyportError } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import { ALPN } from "../tunnel/alpn.ts";
import { withPrologue } from "../tunnel/prologue.ts";
import { type PumpResult, pump } from "../tunnel/pump.ts";
import { errorLine, okLine } from "../tunnel/status-line.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import {
  type ClientIdentity,
  HEARTBEAT_ID,
  identifyClient,
  type RelayIdentity,
  requireSameOrganisation,
} from "./identity.ts";
import { openTowardsGateway } from "./open-channel.ts";
import type { RoutingTable } from "./routing-table.ts";
import type { RelaySession } from "./session.ts";

/** A client's connection after its TLS handshake. */
export interface OuterConnection {
  stream: ByteStream;
  peer: ClientIdentity;
  alpn: string | null;
  remoteAddress: string;
}

export interface ClientService {
  table: RoutingTable<RelaySession>;
  identity: () => RelayIdentity;
  isDraining: () => boolean;
  openTimeoutMs: number;
  clock: Clock;
  log: Logger;
}

/** How long a client that was refused may take to close its side. */
const LINGER_MS = 2_000;

/**
 * Serves one client from its handshake to its end: finds the gateway that its certificate names, opens a tunnel and
 * carries the bytes. Clients that offered `sallyport-relay/1` are told how it went (EXTENSIONS X5), others get
 * Infisical's silence. Never rejects.
 */
export async function serveClient(client: OuterConnection, service: ClientService): Promise<void> {
  const speaks = client.alpn === ALPN.relay;
  const started = performance.now();
  const log = service.log.child({ gatewayId: printable(client.peer.commonName) });
  const opened = { organisation: printable(client.peer.organisation), address: client.remoteAddress };
  log.info("Client connected", { ...opened, serial: client.peer.serial });
  let result: PumpResult = { forward: 0, backward: 0, error: null };
  let cause = "ended";
  try {
    const { gatewayId } = identifyClient(client.peer, service.identity());
    if (gatewayId === HEARTBEAT_ID) {
      cause = "heartbeat";
      await farewell(client.stream, speaks ? okLine() : null);
    } else {
      const session = route(client, gatewayId, service);
      result = await session.during(async () => {
        const channel = await openTowardsGateway(session, {
          timeoutMs: service.openTimeoutMs,
          clock: service.clock,
        });
        return pump(withPrologue(client.stream, speaks ? okLine() : null), channel);
      });
      if (result.error) cause = describe(result.error);
    }
  } catch (thrown) {
    const error = asSallyportError(thrown, "INTERNAL", "The relay failed");
    cause = error.cause === undefined ? error.code : `${error.code} (${describe(error.cause)})`;
    await farewell(client.stream, speaks ? errorLine(error.code, error.message) : null);
  }
  log.info("Client disconnected", {
    ...opened,
    bytesUp: result.forward,
    bytesDown: result.backward,
    milliseconds: Math.round(performance.now() - started),
    cause,
  });
}

/** @throws SallyportError DRAINING, GATEWAY_NOT_CONNECTED, CERTIFICATE_REFUSED */
function route(client: OuterConnection, gatewayId: string, service: ClientService): RelaySession {
  if (service.isDraining()) {
    throw new SallyportError(
      "DRAINING",
      "This relay is shutting down; use another one or try again shortly.",
    );
  }
  const session = service.table.find(gatewayId);
  if (!session) {
    throw new SallyportError(
      "GATEWAY_NOT_CONNECTED",
      `The gateway ${gatewayId} is not connected to this relay; see whether it runs and which relay it uses.`,
    );
  }
  requireSameOrganisation(client.peer, session.orgId);
  return session;
}

/** Sends the last line, if any, and closes; what the client still sends is dropped. Resolves when it is closed. */
function farewell(stream: ByteStream, line: Buffer | null): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => stream.destroy(), LINGER_MS);
    stream.attach({
      data: (chunk) => stream.consumed(chunk.length),
      end() {},
      written() {},
      closed() {
        clearTimeout(timer);
        resolve();
      },
    });
    if (line) stream.write(line);
    stream.end();
  });
}

/** Text from a certificate, short enough for a log line. */
function printable(text: string): string {
  return text.slice(0, 100);
}
