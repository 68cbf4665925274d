import type { Clock } from "../host/clock.ts";
import type { RelayCredentials } from "../pki/credentials.ts";
import { SallyportError } from "../telemetry/error.ts";
import type { Instruments } from "../telemetry/instruments.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Admission } from "../tunnel/admission.ts";
import type { ProxyRule } from "../tunnel/behind-proxies.ts";
import { listenOuterTls } from "../tunnel/tls/outer-server.ts";
import type { RelayIdentity } from "./identity.ts";
import type { RelayLimits } from "./limits.ts";
import { type OuterConnection, type Routes, serveClient } from "./serve-client.ts";

interface TlsSideOptions {
  hostname: string;
  port: number;
  /** Other processes of this relay listen there too. */
  shared: boolean;
  /** Load balancers in front. */
  proxies: ProxyRule | undefined;
  credentials: () => RelayCredentials;
  identity: () => RelayIdentity;
  isLeaving: () => boolean;
  isDraining: () => boolean;
  routes: Routes;
  admission: Admission;
  limits: RelayLimits;
  clock: Clock;
  instruments: Instruments;
  log: Logger;
  /** What is done with a client instead of serving it here. */
  serve?: (client: OuterConnection, here: (client: OuterConnection) => Promise<void>) => Promise<void>;
}

export interface TlsSide {
  port: number;
  /** Serves a client that came in elsewhere. */
  take(client: OuterConnection): void;
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
  const service = { ...options, openTimeoutMs: limits.openTimeoutMs };
  const here = (client: OuterConnection) => serveClient(client, service);
  const { serve = here } = options;
  const during = (client: OuterConnection, served: Promise<void>) => {
    clients.add(client);
    void served.finally(() => clients.delete(client));
  };
  const listener = await listenOuterTls({
    hostname: options.hostname,
    port: options.port,
    shared: options.shared,
    proxies: options.proxies,
    tcpKeepaliveMs: limits.tcpKeepaliveMs,
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
      during(client, serve(client, here));
    },
  });
  return {
    port: listener.port,
    take: (client) => during(client, here(client)),
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
