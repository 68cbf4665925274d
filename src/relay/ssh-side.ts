import type { RelayCredentials } from "../pki/credentials.ts";
import { parseSshPublicKey } from "../pki/ssh-keys.ts";
import { ENDED } from "../telemetry/connections.ts";
import type { Instruments } from "../telemetry/instruments.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Admission } from "../tunnel/admission.ts";
import type { ProxyRule } from "../tunnel/behind-proxies.ts";
import { sshLimits } from "../tunnel/limit-table.ts";
import type { SshConnection } from "../tunnel/ssh/connection.ts";
import { listenSsh } from "../tunnel/ssh/listen.ts";
import type { WindowBudget } from "../tunnel/ssh/window.ts";
import { identifyGateway, type RelayIdentity } from "./identity.ts";
import type { RelayLimits } from "./limits.ts";
import type { Places, Refusal } from "./roster.ts";
import { RelaySession } from "./session.ts";

interface SshSideOptions {
  hostname: string;
  port: number;
  /** Other processes of this relay listen there too. */
  shared: boolean;
  /** Load balancers in front. */
  proxies: ProxyRule | undefined;
  credentials: () => RelayCredentials;
  identity: () => RelayIdentity;
  isLeaving: () => boolean;
  places: Places<RelaySession>;
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
    shared: options.shared,
    proxies: options.proxies,
    tcpKeepaliveMs: limits.tcpKeepaliveMs,
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
    channelsAreTls: true,
    limits: { loginGraceMs: limits.loginGraceMs, authTries: limits.authTries, ...sshLimits(limits) },
    budget: options.budget,
    log,
  });
}

/** A gateway has proved who it is: it gets its place, or hears why not. */
function enter(connection: SshConnection, options: SshSideOptions, log: Logger): void {
  const identity = identifyGateway(connection.username, connection.peerCertificate, options.identity());
  const session = new RelaySession(connection, identity, new Date());
  if (options.isLeaving()) return session.cut("draining");
  options.places.enter(session, (refusal) => {
    if (refusal) refuse(session, refusal, log);
    else attend(session, connection, options, log);
  });
}

function refuse(session: RelaySession, reason: Refusal, log: Logger): void {
  const { gatewayId, generation, remoteAddress } = session;
  log.warn("Gateway refused", {
    gatewayId,
    address: remoteAddress,
    generation,
    reason,
    ...(reason === "duplicate" ? { condition: "GATEWAY_DUPLICATE" } : {}),
  });
  session.cut(reason === "revoked" || reason === "draining" ? reason : "replaced");
}

function attend(
  session: RelaySession,
  connection: SshConnection,
  { places }: SshSideOptions,
  log: Logger,
): void {
  const { gatewayId, gatewayName, orgId, generation, remoteAddress } = session;
  log.info("Gateway connected", {
    gatewayId,
    gatewayName,
    organisation: orgId,
    generation,
    address: remoteAddress,
    software: connection.peerIdent,
  });
  connection.onClosed((error) => {
    places.left(session);
    session.ended();
    log.info("Gateway disconnected", {
      gatewayId,
      milliseconds: Date.now() - session.since.getTime(),
      cause: error?.code ?? ENDED,
      reason: session.farewell ?? error?.message,
    });
  });
}
