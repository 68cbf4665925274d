import type { RelayCredentials } from "../pki/credentials.ts";
import { parseSshPublicKey } from "../pki/ssh-keys.ts";
import { ENDED } from "../telemetry/connections.ts";
import type { Instruments } from "../telemetry/instruments.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Admission } from "../tunnel/admission.ts";
import type { SshConnection } from "../tunnel/ssh/connection.ts";
import { listenSsh } from "../tunnel/ssh/listen.ts";
import type { WindowBudget } from "../tunnel/ssh/window.ts";
import { retireReplacedSessions } from "./enforcement.ts";
import { identifyGateway, type RelayIdentity } from "./identity.ts";
import type { RelayLimits } from "./limits.ts";
import type { RoutingTable } from "./routing-table.ts";
import { RelaySession } from "./session.ts";

interface SshSideOptions {
  hostname: string;
  port: number;
  credentials: () => RelayCredentials;
  identity: () => RelayIdentity;
  isLeaving: () => boolean;
  table: RoutingTable<RelaySession>;
  /** Sessions that lost their place and may still carry tunnels. */
  retiring: Set<RelaySession>;
  admission: Admission;
  limits: RelayLimits;
  budget: WindowBudget;
  instruments: Instruments;
  log: Logger;
}

export interface SshSide {
  port: number;
  close(): void;
}

/** The port that gateways dial: certificates both ways, one session for each gateway (PROTOCOL 0.1, EXTENSIONS X3). */
export async function openSshSide(options: SshSideOptions): Promise<SshSide> {
  const { credentials, identity, limits, log } = options;
  const { handshakes, errors } = options.instruments.metrics;
  let count = 0;
  return listenSsh({
    hostname: options.hostname,
    port: options.port,
    hostIdentities: () => [credentials().ssh.host],
    userAuthorities: () => credentials().ssh.userAuthorities.map(parseSshPublicKey),
    authorize: (username, certificate) => void identifyGateway(username, certificate, identity()),
    onSession(connection) {
      handshakes.inc({ protocol: "ssh", result: "OK" });
      enter(connection, options, log.child({ connection: `g${++count}` }));
    },
    onRefused({ code }) {
      handshakes.inc({ protocol: "ssh", result: code });
      errors.inc({ code });
    },
    admission: {
      admit: (address, drop) => (options.isLeaving() ? null : options.admission.admit(address, drop)),
    },
    limits: {
      loginGraceMs: limits.loginGraceMs,
      authTries: limits.authTries,
      channels: limits.channels,
      opensPerSecond: limits.opensPerSecond,
      opensBurst: limits.opensBurst,
      rekeyBytes: limits.rekeyBytes,
      rekeyMs: limits.rekeyMs,
      keepaliveMs: limits.keepaliveMs,
      deadAfterMs: limits.deadAfterMs,
      initialWindow: limits.initialWindowBytes,
      maxWindow: limits.maxWindowBytes,
      minWindow: limits.minWindowBytes,
    },
    budget: options.budget,
    log,
  });
}

/** A gateway has proved who it is: it gets its place in the table, or hears why not. */
function enter(connection: SshConnection, options: SshSideOptions, log: Logger): void {
  const { table, retiring, limits } = options;
  const identity = identifyGateway(connection.username, connection.peerCertificate, options.identity());
  const session = new RelaySession(connection, identity, new Date());
  if (options.isLeaving()) return session.cut("draining");
  const { gatewayId, gatewayName, orgId, generation, remoteAddress } = session;
  const claim = table.claim(session);
  if (!claim.taken) {
    log.warn("Gateway refused", {
      gatewayId,
      address: remoteAddress,
      generation,
      reason: claim.reason,
      ...(claim.reason === "duplicate" ? { condition: "GATEWAY_DUPLICATE" } : {}),
    });
    return session.cut(claim.reason === "revoked" ? "revoked" : "replaced");
  }
  log.info("Gateway connected", {
    gatewayId,
    gatewayName,
    organisation: orgId,
    generation,
    address: remoteAddress,
    software: connection.peerIdent,
  });
  connection.onClosed((error) => {
    table.release(session);
    retiring.delete(session);
    session.ended();
    log.info("Gateway disconnected", {
      gatewayId,
      milliseconds: Date.now() - session.since.getTime(),
      cause: error?.code ?? ENDED,
      reason: session.farewell ?? error?.message,
    });
  });
  retireReplacedSessions({ table, retiring }, session, claim.loser, limits.drainMs);
}
