import type { AgentReport } from "./agent-report.ts";
import { AlertCalls } from "./alerts.ts";
import * as answers from "./answers.ts";
import { AuthorityCalls } from "./authorities.ts";
import type { ConnectionRecord } from "./connections.ts";
import { IdentityCalls } from "./identities.ts";
import type { AwsProof } from "./login/aws.ts";
import type { KubernetesProof } from "./login/kubernetes.ts";
import { PeopleCalls } from "./people.ts";
import type { ResourceKind, TargetMode } from "./resource-kinds.ts";
import { type AnswerStream, type Call, Transport, type TransportOptions } from "./transport.ts";

export type { TransportOptions as PlatformClientOptions } from "./transport.ts";

/** How a gateway or a relay proves who it is at login. */
export type TokenLogin = { method: "token"; token: string };
/** The same by what the machine is, for AWS or Kubernetes to confirm. */
export type MachineProof = AwsProof | KubernetesProof;

/** How a gateway or a relay is to log in (PROTOCOL A.3). Lists have commas. */
export type AuthMethodRequest =
  | { method: "token" }
  | {
      method: "aws";
      allowedPrincipalArns: string;
      allowedAccountIds: string;
      /** Only by what is signed for this platform (EXTENSIONS X8). */
      requireAudience: boolean;
    }
  | {
      method: "kubernetes";
      kubernetesHost: string;
      caCertificate: string;
      /** Absent = the one that is stored; empty = none. */
      tokenReviewerJwt?: string;
      allowedNamespaces: string;
      allowedNames: string;
      allowedAudience: string;
      verifyTlsCertificate: boolean;
    };

/** The public parts of keys made by the caller (EXTENSIONS X1): PKCS#10 PEM, and an OpenSSH public key line. */
export interface PublicParts {
  csr?: string;
  sshPublicKey?: string;
}

export interface GatewayConnectRequest extends PublicParts {
  relayName?: string;
  /** At most 4, best first. */
  relayNames?: string[];
  /** 1 to 4; without names the platform chooses. */
  maxRelays?: number;
}

export interface RelayPorts {
  sshPort?: number;
  tlsPort?: number;
}

export interface RelayRegistration extends PublicParts, RelayPorts {
  name: string;
  host: string;
}

/** Behind a gateway or behind a pool, by id or by name. */
export interface ResourcePlace {
  gatewayId?: string;
  gatewayName?: string;
  poolId?: string;
  poolName?: string;
}

/** What a resource may be told to be; all of it but `name`, `host` and a place may be left out. */
export interface ResourceFields extends ResourcePlace {
  name?: string;
  host?: string;
  /** The kind's usual one unless told. */
  port?: number;
  kind?: ResourceKind;
}

export interface AccessRequest {
  /** PKCS#10 PEM for the certificate shown to the relay; without it the answer holds a private key. */
  relayCsr?: string;
  /** The same for the certificate shown to the gateway. */
  gatewayCsr?: string;
}

/** Times are RFC 3339; `cursor` is `next` of the page before. */
export interface AuditFilter {
  since?: string;
  until?: string;
  event?: string;
  actor?: string;
  limit?: number;
  cursor?: string;
}

export interface ConnectionFilter {
  since?: string;
  until?: string;
  gatewayId?: string;
  resourceId?: string;
  /** A user id or an e-mail address. */
  actor?: string;
  open?: boolean;
  limit?: number;
  cursor?: string;
}

/** How a relay of the instance says which one it is. */
export interface InstanceRelay {
  name: string;
  secret: string;
}

/** At most 500 of each. */
export interface TunnelReport {
  opened: { gatewayId: string; generation: number }[];
  closed: string[];
  /** How long this counts; 0 = the relay is about to stop. */
  leaseSeconds: number;
  /** `opened` is all there is. */
  complete?: boolean;
}

/** A person or a machine identity of the organisation: one of the four. */
export interface Grantee {
  userId?: string;
  email?: string;
  identityId?: string;
  identityName?: string;
}

type Ask = { signal?: AbortSignal };

/**
 * The platform's HTTP API (PROTOCOL A), typed. Every method makes one call, without retry.
 * @throws SallyportError PLATFORM_UNREACHABLE, TLS_UNTRUSTED, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, PLATFORM_ERROR, or
 * the code that the platform sent
 */
export class PlatformClient {
  readonly authorities: AuthorityCalls;
  readonly identities: IdentityCalls;
  readonly alerts: AlertCalls;
  readonly people: PeopleCalls;
  readonly #transport: Transport;

  /** @throws SallyportError CONFIG_INVALID */
  constructor(options: TransportOptions) {
    this.#transport = new Transport(options);
    this.authorities = new AuthorityCalls(this.#transport);
    this.identities = new IdentityCalls(this.#transport);
    this.alerts = new AlertCalls(this.#transport);
    this.people = new PeopleCalls(this.#transport);
  }

  /** `scheme://host[:port][/path]`, without `/api`. */
  get domain(): string {
    return this.#transport.domain;
  }

  /** Which platform this is, for logins that are signed for it (EXTENSIONS X8); undefined = it has no such id. */
  async platformId(ask: Ask = {}): Promise<string | undefined> {
    return (await this.#call({ ...get("/status", ask), answer: answers.statusAnswer })).platformId;
  }

  /** Also @throws ENROLLMENT_TOKEN_INVALID */
  gatewayLogin(
    body: TokenLogin | (MachineProof & { gatewayId: string }),
    ask: Ask = {},
  ): Promise<answers.GatewayLogin> {
    return this.#call({
      ...post("/v3/gateways/login", body, ask),
      ...(body.method === "token" && { badRequest: "ENROLLMENT_TOKEN_INVALID" }),
      answer: answers.gatewayLoginAnswer,
    });
  }

  gatewayConnect(body: GatewayConnectRequest, ask: Ask = {}): Promise<answers.GatewayConnect> {
    return this.#call({ ...post("/v3/gateways/connect", body, ask), answer: answers.gatewayConnectAnswer });
  }

  /** Answers once the platform has reached the gateway through its relay. */
  async gatewayHeartbeat(
    body: { capabilities?: { pkcs11?: boolean }; report?: AgentReport } = {},
    ask: Ask = {},
  ): Promise<void> {
    await this.#call({ ...post("/v2/gateways/heartbeat", body, ask), answer: answers.messageAnswer });
  }

  /**
   * Says how many connections a gateway carries. NOT_FOUND from platforms that don't ask for that.
   * @returns in how many seconds to say it again; null where the platform does not tell
   */
  async reportLoad(activeChannels: number, ask: Ask = {}): Promise<number | null> {
    const call = post("/v2/gateways/metrics", { activeChannels }, ask);
    return (await this.#call({ ...call, answer: answers.loadAnswer })).nextReportSeconds ?? null;
  }

  /** Also @throws ENROLLMENT_TOKEN_INVALID */
  relayLogin(
    body: TokenLogin | (MachineProof & { relayId: string }),
    ask: Ask = {},
  ): Promise<answers.RelayLogin> {
    return this.#call({
      ...post("/v2/relays/login", body, ask),
      ...(body.method === "token" && { badRequest: "ENROLLMENT_TOKEN_INVALID" }),
      answer: answers.relayLoginAnswer,
    });
  }

  relayConnect(body: PublicParts & RelayPorts, ask: Ask = {}): Promise<answers.RelayConnect> {
    return this.#call({ ...post("/v2/relays/connect", body, ask), answer: answers.relayConnectAnswer });
  }

  /** Answers once the platform has reached the relay's TLS port. */
  async relayHeartbeat(body?: { report?: AgentReport }, ask: Ask = {}): Promise<void> {
    await this.#call({ ...post("/v2/relays/heartbeat", body, ask), answer: answers.messageAnswer });
  }

  registerInstanceRelay(
    secret: string,
    body: RelayRegistration,
    ask: Ask = {},
  ): Promise<answers.RelayConnect> {
    return this.#call({
      ...post("/v1/relays/register-instance-relay", body, ask),
      bearer: secret,
      answer: answers.relayConnectAnswer,
    });
  }

  async heartbeatInstanceRelay(
    secret: string,
    body: { name: string; report?: AgentReport },
    ask: Ask = {},
  ): Promise<void> {
    await this.#call({
      ...post("/v1/relays/heartbeat-instance-relay", body, ask),
      bearer: secret,
      answer: answers.messageAnswer,
    });
  }

  /** Accounts for a gateway's connections (EXTENSIONS X10). NOT_FOUND from platforms that keep no account. */
  async reportConnections(
    report: { instance: string; records: ConnectionRecord[] },
    ask: Ask = {},
  ): Promise<void> {
    await this.#call({ ...post("/v1/gateways/connections", report, ask), answer: answers.messageAnswer });
  }

  /** A page of the audit log, newest first. */
  listAudit(filter: AuditFilter = {}): Promise<answers.AuditPage> {
    return this.#call({ ...get(`/v1/audit${queryOf(filter)}`), answer: answers.auditPage });
  }

  /** A page of the connections, newest first. */
  listConnections(filter: ConnectionFilter = {}): Promise<answers.ConnectionPage> {
    return this.#call({
      ...get(`/v1/audit/connections${queryOf(filter)}`),
      answer: answers.connectionPage,
    });
  }

  /** All of a list that fits the filter, as JSON Lines, newest first. */
  exportAudit(what: "audit" | "connections", filter: object, signal: AbortSignal): Promise<AnswerStream> {
    const path = what === "audit" ? "/v1/audit/export" : "/v1/audit/connections/export";
    return this.#transport.open({ method: "GET", path: `${path}${queryOf(filter)}` }, signal);
  }

  /** Says which tunnels a relay holds (EXTENSIONS X7). NOT_FOUND from platforms that don't ask for that. */
  reportTunnels(
    report: TunnelReport,
    ask: Ask & { instanceRelay?: InstanceRelay } = {},
  ): Promise<answers.TunnelReportAnswer> {
    const { instanceRelay, ...rest } = ask;
    const body = { ...report, ...(instanceRelay && { relayName: instanceRelay.name }) };
    return this.#call({
      ...post("/v1/relays/tunnels", body, rest),
      ...(instanceRelay && { bearer: instanceRelay.secret }),
      answer: answers.tunnelReportAnswer,
    });
  }

  listRelays(ask: Ask = {}): Promise<answers.RelayRow[]> {
    return this.#call({ ...get("/v1/relays", ask), answer: answers.relayRows });
  }

  createRelay(body: {
    name: string;
    host: string;
    /** Shared by all organisations. */
    instance?: boolean;
    authMethod?: AuthMethodRequest;
  }): Promise<answers.RelayRow> {
    const full = { authMethod: { method: "token" }, ...body };
    return this.#call({ ...post("/v2/relays", full), answer: answers.relayRow });
  }

  getRelay(relayId: string): Promise<answers.RelayRow> {
    return this.#call({ ...get(`/v2/relays/${encodeURIComponent(relayId)}`), answer: answers.relayRow });
  }

  /** The same for a relay, which may also move. */
  updateRelay(
    relayId: string,
    body: { host?: string; autoSelect?: boolean; authMethod?: AuthMethodRequest },
  ): Promise<answers.RelayRow> {
    const path = `/v2/relays/${encodeURIComponent(relayId)}`;
    return this.#call({ method: "PATCH", path, body, answer: answers.relayRow });
  }

  generateRelayToken(relayId: string): Promise<answers.EnrollmentToken> {
    const path = `/v2/relays/${encodeURIComponent(relayId)}/token-auth/generate-enrollment-token`;
    return this.#call({ ...post(path, {}), answer: answers.enrollmentTokenAnswer });
  }

  /** @returns as `revokeGateway` */
  async revokeRelay(relayId: string): Promise<string> {
    const path = `/v2/relays/${encodeURIComponent(relayId)}/revoke`;
    return (await this.#call({ ...post(path, {}), answer: answers.methodAnswer })).method;
  }

  /** Its process takes nothing new and ends; gateways are told to move first. */
  async drainRelay(relayId: string): Promise<void> {
    const path = `/v1/relays/${encodeURIComponent(relayId)}/drain`;
    await this.#call({ ...post(path, {}), answer: answers.messageAnswer });
  }

  /** Has the platform look at both ports of the relay now. What it found is in the answer, whatever that is. */
  checkRelay(relayId: string): Promise<answers.RelayRow> {
    const path = `/v1/relays/${encodeURIComponent(relayId)}/health-check`;
    return this.#call({ ...post(path, {}), answer: answers.relayRow });
  }

  async deleteRelay(relayId: string): Promise<void> {
    await this.#call({ ...del(`/v1/relays/${encodeURIComponent(relayId)}`), answer: answers.relayRow });
  }

  createGateway(body: { name: string; authMethod?: AuthMethodRequest }): Promise<answers.GatewayRow> {
    const full = { authMethod: { method: "token" }, ...body };
    return this.#call({ ...post("/v3/gateways", full), answer: answers.gatewayRow });
  }

  listGateways(ask: Ask = {}): Promise<answers.GatewayRow[]> {
    return this.#call({ ...get("/v2/gateways", ask), answer: answers.gatewayRows });
  }

  getGateway(gatewayId: string): Promise<answers.GatewayRow> {
    return this.#call({
      ...get(`/v3/gateways/${encodeURIComponent(gatewayId)}`),
      answer: answers.gatewayRow,
    });
  }

  /** Another way to log in from now on; who is logged in stays so. */
  updateGateway(
    gatewayId: string,
    body: { name?: string; authMethod?: AuthMethodRequest },
  ): Promise<answers.GatewayRow> {
    const path = `/v3/gateways/${encodeURIComponent(gatewayId)}`;
    return this.#call({ method: "PATCH", path, body, answer: answers.gatewayRow });
  }

  generateGatewayToken(gatewayId: string): Promise<answers.EnrollmentToken> {
    const path = `/v3/gateways/${encodeURIComponent(gatewayId)}/token-auth/generate-enrollment-token`;
    return this.#call({ ...post(path, {}), answer: answers.enrollmentTokenAnswer });
  }

  /** @returns how it logs in: by "aws" and "kubernetes" it may do so again */
  async revokeGateway(gatewayId: string): Promise<string> {
    const path = `/v3/gateways/${encodeURIComponent(gatewayId)}/revoke`;
    return (await this.#call({ ...post(path, {}), answer: answers.methodAnswer })).method;
  }

  async deleteGateway(gatewayId: string): Promise<void> {
    await this.#call({ ...del(`/v2/gateways/${encodeURIComponent(gatewayId)}`), answer: answers.gatewayRow });
  }

  /** Probes the gateway now; a refusal says why it can't be reached. */
  async triggerGatewayHeartbeat(gatewayId: string): Promise<void> {
    const path = `/v2/gateways/${encodeURIComponent(gatewayId)}/heartbeat`;
    await this.#call({ ...post(path, {}), answer: answers.messageAnswer });
  }

  listPools(): Promise<answers.PoolListEntry[]> {
    return this.#call({ ...get("/v2/gateway-pools"), answer: answers.poolListEntries });
  }

  createPool(body: { name: string }): Promise<answers.PoolRow> {
    return this.#call({ ...post("/v2/gateway-pools", body), answer: answers.poolRow });
  }

  getPool(poolId: string): Promise<answers.PoolDetail> {
    return this.#call({ ...get(poolPath(poolId)), answer: answers.poolDetail });
  }

  updatePool(poolId: string, body: { name?: string }): Promise<answers.PoolRow> {
    return this.#call({ method: "PATCH", path: poolPath(poolId), body, answer: answers.poolRow });
  }

  /** CONFLICT while resources are behind it. */
  async deletePool(poolId: string): Promise<void> {
    await this.#call({ ...del(poolPath(poolId)), answer: answers.poolRow });
  }

  async addPoolMember(poolId: string, gatewayId: string): Promise<void> {
    const path = `${poolPath(poolId)}/memberships`;
    await this.#call({ ...post(path, { gatewayId }), answer: answers.poolMembership });
  }

  async removePoolMember(poolId: string, gatewayId: string): Promise<void> {
    const path = `${poolPath(poolId)}/memberships/${encodeURIComponent(gatewayId)}`;
    await this.#call({ ...del(path), answer: answers.poolMembership });
  }

  createResource(body: ResourceFields & { name: string; host: string }): Promise<answers.CheckedResource> {
    return this.#call({ ...post("/v1/resources", body), answer: answers.checkedResource });
  }

  getResource(idOrName: string): Promise<answers.ResourceRow> {
    return this.#call({
      ...get(`/v1/resources/${encodeURIComponent(idOrName)}`),
      answer: answers.resourceRow,
    });
  }

  /** Another target or place cuts what is open to the former one. */
  updateResource(idOrName: string, body: ResourceFields): Promise<answers.CheckedResource> {
    const path = `/v1/resources/${encodeURIComponent(idOrName)}`;
    return this.#call({ method: "PATCH", path, body, answer: answers.checkedResource });
  }

  listResources(ask: Ask = {}): Promise<answers.ResourceRow[]> {
    return this.#call({ ...get("/v1/resources", ask), answer: answers.resourceRows });
  }

  async deleteResource(idOrName: string): Promise<void> {
    await this.#call({
      ...del(`/v1/resources/${encodeURIComponent(idOrName)}`),
      answer: answers.resourceRow,
    });
  }

  listGrants(idOrName: string): Promise<answers.GrantRow[]> {
    return this.#call({ ...get(grantsOf(idOrName)), answer: answers.grantRows });
  }

  /** @param body `endsAt` is RFC 3339; without it the grant lasts until it is taken back */
  grantResource(idOrName: string, body: Grantee & { endsAt?: string }): Promise<answers.GrantRow> {
    return this.#call({ ...post(grantsOf(idOrName), body), answer: answers.grantRow });
  }

  /** Also cuts what the person has open to the resource. */
  ungrantResource(idOrName: string, body: Grantee): Promise<answers.GrantRow> {
    return this.#call({ method: "DELETE", path: grantsOf(idOrName), body, answer: answers.grantRow });
  }

  /** Cuts what people have open to the resource, one person's or everybody's. @returns certificates ended */
  async revokeResourceAccess(idOrName: string, whose: Grantee = {}): Promise<number> {
    const path = `/v1/resources/${encodeURIComponent(idOrName)}/access/revoke`;
    return (await this.#call({ ...post(path, whose), answer: answers.endedAnswer })).ended;
  }

  /** @param body `failedAccessId` names an answer whose gateway could not be reached */
  accessResource(
    idOrName: string,
    body: AccessRequest & { failedAccessId?: string } = {},
    ask: Ask = {},
  ): Promise<answers.Access> {
    const path = `/v1/resources/${encodeURIComponent(idOrName)}/access`;
    return this.#call({ ...post(path, body, ask), answer: answers.accessAnswer });
  }

  accessGateway(
    idOrName: string,
    body: AccessRequest & { targetHost: string; targetPort: number; kind?: TargetMode },
    ask: Ask = {},
  ): Promise<answers.Access> {
    const path = `/v1/gateways/${encodeURIComponent(idOrName)}/access`;
    return this.#call({ ...post(path, body, ask), answer: answers.accessAnswer });
  }

  login(email: string, password: string): Promise<answers.Login> {
    return this.#call({ ...post("/v1/auth/login", { email, password }), answer: answers.loginAnswer });
  }

  /** Ends the login that this client uses; an API token that lasts is left alone. */
  async logout(): Promise<void> {
    await this.#call({ ...post("/v1/auth/logout", {}), answer: answers.messageAnswer });
  }

  /** Whose token this is. */
  who(): Promise<answers.Who> {
    return this.#call({ ...get("/v1/auth/me"), answer: answers.whoAnswer });
  }

  /**
   * Opens the event stream (EXTENSIONS X4); `followEvents` reads it. An instance relay gives its name and the shared
   * secret. NOT_FOUND from platforms that have no such stream.
   */
  events(ask: {
    lastEventId: string | undefined;
    signal: AbortSignal;
    instanceRelay?: InstanceRelay;
    /** As which a machine identity follows. */
    as?: "gateway" | "relay";
  }): Promise<AnswerStream> {
    const { lastEventId, signal, instanceRelay, as } = ask;
    const query = queryOf({ relayName: instanceRelay?.name, as });
    const headers = {
      Accept: "text/event-stream",
      ...(lastEventId !== undefined && { "Last-Event-ID": lastEventId }),
    };
    const call = { method: "GET" as const, path: `/v1/events${query}`, headers };
    return this.#transport.open({ ...call, ...(instanceRelay && { bearer: instanceRelay.secret }) }, signal);
  }

  #call: Transport["call"] = (call) => this.#transport.call(call);
}

type Request = Omit<Call<never>, "answer">;

function get(path: string, ask: Ask = {}): Request {
  return { method: "GET", path, signal: ask.signal };
}

function poolPath(poolId: string): string {
  return `/v2/gateway-pools/${encodeURIComponent(poolId)}`;
}

function grantsOf(resource: string): string {
  return `/v1/resources/${encodeURIComponent(resource)}/grants`;
}

function queryOf(filter: object): string {
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
  return text === "" ? "" : `?${text}`;
}

function del(path: string): Request {
  return { method: "DELETE", path };
}

function post(path: string, body: unknown, ask: Ask = {}): Request {
  return { method: "POST", path, body, signal: ask.signal };
}
