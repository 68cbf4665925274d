import type { Clock } from "../host/clock.ts";
import { ENDED, type Traffic } from "../telemetry/connections.ts";
import { asSallyportError, describe, SallyportError } from "../telemetry/error.ts";
import type { Instruments } from "../telemetry/instruments.ts";
import type { Logger } from "../telemetry/log.ts";
import { saysWhy } from "../tunnel/alpn.ts";
import { withPrologue } from "../tunnel/prologue.ts";
import { pump } from "../tunnel/pump.ts";
import { errorLine, okLine } from "../tunnel/status-line.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import {
  type ClientIdentity,
  gatewayRevoked,
  HEARTBEAT_ID,
  identifyClient,
  type RelayIdentity,
  requireSameOrganisation,
} from "./identity.ts";
import { openTowardsGateway } from "./open-channel.ts";
import type { RelaySession } from "./session.ts";

/** A client's connection after its TLS handshake. */
export interface OuterConnection {
  stream: ByteStream;
  peer: ClientIdentity;
  alpn: string | null;
  remoteAddress: string;
}

/** Where the gateways are. */
export interface Routes {
  find(gatewayId: string): RelaySession | undefined;
  /** Whether the platform has revoked this gateway, and it has not come back with anything newer. */
  isRevoked(gatewayId: string): boolean;
}

export interface ClientService {
  routes: Routes;
  identity: () => RelayIdentity;
  /** The relay is about to stop, and takes no new gateway. */
  isLeaving: () => boolean;
  /** It takes no new client either. */
  isDraining: () => boolean;
  openTimeoutMs: number;
  clock: Clock;
  instruments: Pick<Instruments, "connections">;
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
  const started = performance.now();
  const about = {
    gatewayId: printable(client.peer.commonName),
    organisation: printable(client.peer.organisation),
    address: client.remoteAddress,
    serial: client.peer.serial,
  };
  const mode = about.gatewayId === HEARTBEAT_ID ? "heartbeat" : "client";
  const traffic: Traffic = { forward: 0, backward: 0 };
  const entry = service.instruments.connections.open(mode, about, () => traffic);
  const log = service.log.child({ connection: entry.id });
  log.info("Client connected", { ...about, mode });
  const { cause, reason } = await carry(client, service, traffic);
  entry.close(cause);
  log.info("Client disconnected", {
    ...about,
    mode,
    bytesUp: traffic.forward,
    bytesDown: traffic.backward,
    milliseconds: Math.round(performance.now() - started),
    cause,
    reason,
  });
}

/** How a connection ended: ENDED or a code, and what there is to say of it. */
interface End {
  cause: string;
  reason?: string;
}

async function carry(client: OuterConnection, service: ClientService, traffic: Traffic): Promise<End> {
  const speaks = saysWhy(client.alpn);
  const { openTimeoutMs: timeoutMs, clock } = service;
  try {
    const { gatewayId } = identifyClient(client.peer, service.identity());
    if (gatewayId === HEARTBEAT_ID) {
      await farewell(client.stream, speaks ? okLine() : null);
      return { cause: ENDED };
    }
    const session = route(client, gatewayId, service);
    const { error } = await session.during(async () => {
      const channel = await openTowardsGateway(session, { timeoutMs, clock });
      return pump(withPrologue(client.stream, speaks ? okLine() : null), channel, traffic);
    });
    return error ? endOf(error) : { cause: ENDED };
  } catch (thrown) {
    const error = asSallyportError(thrown, "INTERNAL", "The relay failed");
    await farewell(client.stream, speaks ? errorLine(error.code, error.message) : null);
    return endOf(error);
  }
}

function endOf(error: Error): End {
  const cause = error instanceof SallyportError ? error.code : "CONNECTION_LOST";
  const below = error.cause === undefined ? "" : ` (${describe(error.cause)})`;
  return { cause, reason: describe(error) + below };
}

/** @throws SallyportError DRAINING, GATEWAY_NOT_CONNECTED, CERTIFICATE_REFUSED */
function route(client: OuterConnection, gatewayId: string, service: ClientService): RelaySession {
  const session = service.routes.find(gatewayId);
  if (!session && service.routes.isRevoked(gatewayId)) throw gatewayRevoked(gatewayId);
  if (service.isDraining() || (!session && service.isLeaving())) {
    throw new SallyportError(
      "DRAINING",
      "This relay is shutting down; use another one or try again shortly.",
    );
  }
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
