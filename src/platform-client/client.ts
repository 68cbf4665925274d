import { z } from "zod";
import { AccessCalls } from "./calls/access.ts";
import { AlertCalls } from "./calls/alerts.ts";
import { AuditCalls } from "./calls/audit.ts";
import { AuthorityCalls } from "./calls/authorities.ts";
import { type Ask, filtered, get } from "./calls/calls.ts";
import { id } from "./calls/fields.ts";
import { GatewayAgentCalls } from "./calls/gateway-agent.ts";
import { GatewayCalls } from "./calls/gateways.ts";
import { GrantCalls } from "./calls/grants.ts";
import { IdentityCalls } from "./calls/identities.ts";
import { PeopleCalls } from "./calls/people.ts";
import { PoolCalls } from "./calls/pools.ts";
import { type InstanceRelay, RelayAgentCalls } from "./calls/relay-agent.ts";
import { RelayCalls } from "./calls/relays.ts";
import { ResourceCalls } from "./calls/resources.ts";
import { SessionCalls } from "./calls/session.ts";
import { type AnswerStream, Transport, type TransportOptions } from "./transport.ts";

/** Only Sallyport's platform says which one it is. */
const statusAnswer = z.object({ platformId: id.optional() });

/**
 * The platform's HTTP API (PROTOCOL A), typed, by subject. Every method makes one call, without retry.
 * @throws SallyportError PLATFORM_UNREACHABLE, TLS_UNTRUSTED, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, PLATFORM_ERROR, or
 * the code that the platform sent
 */
export class PlatformClient {
  readonly session: SessionCalls;
  readonly gateways: GatewayCalls;
  readonly gatewayAgent: GatewayAgentCalls;
  readonly relays: RelayCalls;
  readonly relayAgent: RelayAgentCalls;
  readonly pools: PoolCalls;
  readonly resources: ResourceCalls;
  readonly grants: GrantCalls;
  readonly access: AccessCalls;
  readonly audit: AuditCalls;
  readonly authorities: AuthorityCalls;
  readonly identities: IdentityCalls;
  readonly alerts: AlertCalls;
  readonly people: PeopleCalls;
  readonly #transport: Transport;

  /** @throws SallyportError CONFIG_INVALID */
  constructor(options: TransportOptions) {
    const transport = new Transport(options);
    this.session = new SessionCalls(transport);
    this.gateways = new GatewayCalls(transport);
    this.gatewayAgent = new GatewayAgentCalls(transport);
    this.relays = new RelayCalls(transport);
    this.relayAgent = new RelayAgentCalls(transport);
    this.pools = new PoolCalls(transport);
    this.resources = new ResourceCalls(transport);
    this.grants = new GrantCalls(transport);
    this.access = new AccessCalls(transport);
    this.audit = new AuditCalls(transport);
    this.authorities = new AuthorityCalls(transport);
    this.identities = new IdentityCalls(transport);
    this.alerts = new AlertCalls(transport);
    this.people = new PeopleCalls(transport);
    this.#transport = transport;
  }

  /** `scheme://host[:port][/path]`, without `/api`. */
  get domain(): string {
    return this.#transport.domain;
  }

  /** Which platform this is, for logins that are signed for it (EXTENSIONS X8); undefined = it has no such id. */
  async platformId(ask: Ask = {}): Promise<string | undefined> {
    return (await this.#transport.call({ ...get("/status", ask), answer: statusAnswer })).platformId;
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
    const headers = {
      Accept: "text/event-stream",
      ...(lastEventId !== undefined && { "Last-Event-ID": lastEventId }),
    };
    const call = { ...get(filtered("/v1/events", { relayName: instanceRelay?.name, as })), headers };
    return this.#transport.open({ ...call, ...(instanceRelay && { bearer: instanceRelay.secret }) }, signal);
  }
}
