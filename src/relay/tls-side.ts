import type { Clock } from "../host/clock.ts";
import type { RelayCredentials } from "../pki/credentials.ts";
import { SallyportError } from "../telemetry/error.ts";
import type { Instruments } from "../telemetry/instruments.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Admission } from "../tunnel/admission.ts";
import { listenOuterTls } from "../tunnel/tls/outer-server.ts";
import type { RelayIdentity } from "./identity.ts";
import type { RelayLimits } from "./limits.ts";
import type { RoutingTable } from "./routing-table.ts";
import { type OuterConnection, serveClient } from "./serve-client.ts";
import type { RelaySession } from "./session.ts";

interface TlsSideOptions {
  hostname: string;
  port: number;
  credentials: () => RelayCredentials;
  identity: () => RelayIdentity;
  isLeaving: () => boolean;
  isDraining: () => boolean;
  table: RoutingTable<RelaySession>;
  admission: Admission;
  limits: RelayLimits;
  clock: Clock;
  instruments: Instruments;
  log: Logger;
}

export interface TlsSide {
  port: number;
  /** New handshakes use the present credentials. */
  reload(): void;
  /** Ends the connections of clients whose certificate has been revoked meanwhile. */
  cutClients(serials: ReadonlySet<string>): void;
  close(): void;
}

/** The port that clients and the platform dial: mutual TLS, the certificate names the gateway (PROTOCOL D, stage 1). */
export async function openTlsSide(options: TlsSideOptions): Promise<TlsSide> {
  const { credentials, limits } = options;
  const { handshakes, errors } = options.instruments.metrics;
  const clients = new Set<OuterConnection>();
  const listener = await listenOuterTls({
    hostname: options.hostname,
    port: options.port,
    credentials: () => credentials().tls,
    handshakeTimeoutMs: limits.tlsHandshakeMs,
    onRefused({ code }) {
      handshakes.inc({ protocol: "tls", result: code });
      errors.inc({ code });
    },
    admission: options.admission,
    log: options.log,
    onConnection(client) {
      handshakes.inc({ protocol: "tls", result: "OK" });
      clients.add(client);
      const service = { ...options, openTimeoutMs: limits.openTimeoutMs };
      void serveClient(client, service).finally(() => clients.delete(client));
    },
  });
  return {
    port: listener.port,
    reload: () => listener.reload(),
    cutClients(serials) {
      const error = new SallyportError("SESSION_ENDED", "This access has been revoked.");
      for (const { peer, stream } of clients) {
        if (serials.has(peer.serial)) stream.destroy(error);
      }
    },
    close() {
      listener.close();
      for (const { stream } of clients) stream.destroy();
    },
  };
}
