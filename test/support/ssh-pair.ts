import { SshAuthority } from "../../src/pki/ssh-authority.ts";
import { parseSshCertificateLine, type SshCertificate } from "../../src/pki/ssh-certificate.ts";
import { generateSshKey, type SshKeyAlgorithm } from "../../src/pki/ssh-keys.ts";
import type { SallyportError } from "../../src/telemetry/error.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import type { AdmissionTicket } from "../../src/tunnel/admission.ts";
import { acceptSsh } from "../../src/tunnel/ssh/accept.ts";
import type { Algorithms } from "../../src/tunnel/ssh/algorithms.ts";
import { connectSsh } from "../../src/tunnel/ssh/connect.ts";
import type { ChannelRequest, SshConnection } from "../../src/tunnel/ssh/connection.ts";
import { HostIdentities } from "../../src/tunnel/ssh/host-certificate.ts";
import { loadIdentity } from "../../src/tunnel/ssh/identity.ts";
import { DEFAULT_LIMITS, type SshLimits } from "../../src/tunnel/ssh/limits.ts";
import { systemTimers, type Timers } from "../../src/tunnel/ssh/timers.ts";
import type { SshTransport } from "../../src/tunnel/ssh/transport.ts";
import { WindowBudget } from "../../src/tunnel/ssh/window.ts";
import { type MemorySocket, memoryPair } from "./memory-socket.ts";

export const GATEWAY_ID = "5f0c2f9e-93a1-4b0c-8a4f-000000000001";
export const PRINCIPAL = "relay.test:2222";
const HOUR = 3_600_000;

export interface TestIdentity {
  certificate: string;
  privateKey: string;
}

/** An authority and one identity that it signed; everything about the certificate can be changed. */
export async function issueIdentity(
  authority: SshAuthority,
  kind: "user" | "host",
  o: {
    algorithm?: SshKeyAlgorithm;
    principals?: string[];
    validAfter?: Date;
    validBefore?: Date;
    criticalOptions?: Record<string, string>;
    extensions?: Record<string, string>;
  } = {},
): Promise<TestIdentity> {
  const key = await generateSshKey(o.algorithm);
  const { line } = authority.issue({
    kind,
    publicBlob: key.publicBlob,
    keyId: kind === "user" ? "client-relay" : "relay-server",
    principals: o.principals ?? [kind === "user" ? GATEWAY_ID : PRINCIPAL],
    validAfter: o.validAfter ?? new Date(Date.now() - HOUR),
    validBefore: o.validBefore ?? new Date(Date.now() + HOUR),
    ...(o.extensions ? { extensions: o.extensions } : {}),
    ...(o.criticalOptions ? { criticalOptions: o.criticalOptions } : {}),
  });
  return { certificate: line, privateKey: key.privateKey };
}

export const userAuthority: SshAuthority = await SshAuthority.generate();
export const hostAuthority: SshAuthority = await SshAuthority.generate();
const defaultUser = await issueIdentity(userAuthority, "user");
const defaultHost = await issueIdentity(hostAuthority, "host");

export interface PairOptions {
  limits?: Partial<SshLimits>;
  clientLimits?: Partial<SshLimits>;
  serverBudget?: WindowBudget;
  clientBudget?: WindowBudget;
  timers?: Timers;
  user?: TestIdentity;
  username?: string;
  hosts?: () => TestIdentity[];
  hostAuthorities?: () => Buffer[];
  principal?: string;
  now?: () => Date;
  capacity?: number;
  piece?: number;
  /** Channels that the server opens arrive here, at the client. */
  onChannel?: (request: ChannelRequest) => void;
  onServerChannel?: (request: ChannelRequest) => void;
  authorize?: (username: string, certificate: SshCertificate, remoteAddress: string) => void;
  ticket?: AdmissionTicket;
  /** What the client offers. */
  algorithms?: Algorithms;
  /** The ends whose owners say so; neither unless told. */
  channelsAreTls?: "server" | "client" | "both";
}

export interface Pair {
  server: SshConnection;
  client: SshConnection;
  serverTransport: SshTransport;
  clientTransport: SshTransport;
  /** The ends of the line: what the server, and what the client writes to. */
  serverSocket: MemorySocket;
  clientSocket: MemorySocket;
  serverBudget: WindowBudget;
  clientBudget: WindowBudget;
}

export interface UnconnectedPair extends Omit<Pair, "server" | "client"> {
  server: Promise<SshConnection>;
  client: Promise<SshConnection>;
}

/** Two ends of ours over a connection in memory, logged in. */
export async function connectedPair(o: PairOptions = {}): Promise<Pair> {
  const pair = startPair(o);
  const [server, client] = await Promise.all([pair.server, pair.client]);
  return { ...pair, server, client };
}

/** The same, without waiting. `client` is rejected when the login fails; `server` then stays open for ever. */
export function startPair(o: PairOptions = {}): UnconnectedPair {
  const [serverSocket, clientSocket] = memoryPair(o);
  const serverBudget = o.serverBudget ?? new WindowBudget();
  const clientBudget = o.clientBudget ?? new WindowBudget();
  const timers = o.timers ?? systemTimers;
  const channelsAreTls = (end: "server" | "client") =>
    o.channelsAreTls === end || o.channelsAreTls === "both";
  const now = o.now ?? (() => new Date());
  const server = Promise.withResolvers<SshConnection>();
  const client = Promise.withResolvers<SshConnection>();
  const serverTransport = acceptSsh(serverSocket, {
    identities: new HostIdentities(o.hosts ?? (() => [defaultHost]), now),
    userAuthorities: () => [userAuthority.publicBlob],
    authorize: o.authorize ?? (() => {}),
    onSession: server.resolve,
    channelsAreTls: channelsAreTls("server"),
    remoteAddress: "192.0.2.7",
    limits: { ...DEFAULT_LIMITS, ...o.limits },
    budget: serverBudget,
    log: silentLogger,
    timers,
    now,
    ...(o.onServerChannel ? { onChannel: (_, request) => o.onServerChannel?.(request) } : {}),
    ...(o.ticket ? { ticket: o.ticket } : {}),
  });
  const clientTransport = connectSsh(clientSocket, {
    username: o.username ?? GATEWAY_ID,
    identity: loadIdentity(o.user ?? defaultUser),
    hostAuthorities: o.hostAuthorities ?? [hostAuthority.publicBlob],
    hostPrincipals: [o.principal ?? PRINCIPAL],
    onChannel: o.onChannel ?? ((request) => request.reject(1, "not here")),
    remoteAddress: "192.0.2.1",
    limits: { ...DEFAULT_LIMITS, ...o.limits, ...o.clientLimits },
    budget: clientBudget,
    timers,
    now,
    ...(o.algorithms ? { algorithms: o.algorithms } : {}),
    channelsAreTls: channelsAreTls("client"),
    onReady: client.resolve,
    onFailed: (error: SallyportError) => client.reject(error),
  });
  join(serverSocket, serverTransport);
  join(clientSocket, clientTransport);
  return {
    server: server.promise,
    client: client.promise,
    ...{ serverTransport, clientTransport, serverSocket, clientSocket, serverBudget, clientBudget },
  };
}

export function join(socket: MemorySocket, transport: SshTransport): void {
  socket.events = {
    data: (chunk) => transport.feed(chunk),
    drain: () => transport.drained(),
    close: () => transport.lost(),
  };
}

/** Counts the key exchanges that a transport goes through from now on. */
export function countExchanges(transport: SshTransport): { count: number } {
  const exchanges = { count: 0 };
  const { events } = transport;
  if (!events) throw new Error("nobody reads this transport");
  transport.events = {
    ...events,
    keysChanged() {
      exchanges.count += 1;
      events.keysChanged?.();
    },
  };
  return exchanges;
}

export function certificateOf(identity: TestIdentity): SshCertificate {
  return parseSshCertificateLine(identity.certificate);
}
