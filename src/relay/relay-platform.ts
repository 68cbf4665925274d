import type { AgentReport } from "../platform-client/agent-report.ts";
import type { RelayConnect, RelayPorts } from "../platform-client/calls/relay-agent.ts";
import type { FollowOptions } from "../platform-client/event-stream.ts";
import { type IdentityLogin, IdentitySession } from "../platform-client/identity-session.ts";
import type { MachineAccess } from "../platform-client/login/machine-access.ts";
import type { PublicParts } from "../platform-client/own-keys.ts";
import type { Logger } from "../telemetry/log.ts";
import { requireEnrolled } from "./enrolled.ts";
import { relayIdentity, requireHost } from "./identity-login.ts";
import { requireInstance } from "./instance-secret.ts";
import { type KnownRelay, platformOf } from "./known-relay.ts";
import { openMachineAccess, relayMachineLogin, rememberLogin } from "./machine-login.ts";
import type { SendReport } from "./tunnel-reports.ts";

/** The calls of a relay, whoever it is to its platform. */
export interface RelayPlatform {
  /** Gets certificates. */
  connect(parts: PublicParts & RelayPorts): Promise<RelayConnect>;
  /** Asks the platform to dial the relay. */
  heartbeat(report: AgentReport, signal: AbortSignal): Promise<void>;
  events: FollowOptions["open"];
  report: SendReport;
  /** Whose certificates of before may be used, where that is known. */
  relayId?: string | undefined;
}

/**
 * As whom the relay reaches its platform (PROTOCOL 0.3): the instance's by the shared secret; an organisation's by what
 * its machine is, as a machine identity, or by a token from an enrollment.
 * @throws SallyportError USAGE, CONFIG_INVALID, UNAUTHENTICATED, PLATFORM_UNREACHABLE
 */
export async function openRelayPlatform(relay: KnownRelay, log: Logger): Promise<RelayPlatform> {
  if (relay.settings.type === "instance") return await asInstance(relay);
  const machine = relayMachineLogin(relay);
  if (machine) {
    const access = await openMachineAccess(relay, machine, log);
    await rememberLogin(relay, machine, log);
    return asRelay(relay, access, machine.id);
  }
  const login = await relayIdentity(relay);
  if (login) return asIdentity(relay, login);
  const { accessToken, enrolledNow } = await requireEnrolled(relay);
  if (enrolledNow) log.info("Enrolled", { relay: relay.name, conf: relay.confPath });
  const access = { token: () => accessToken, call: <T>(work: () => Promise<T>) => work() };
  // Right after an enrolment the id of the conf is the old one, if any.
  return asRelay(relay, access, enrolledNow ? undefined : relay.settings.relayId);
}

/** By an access token of its own. */
function asRelay(
  relay: KnownRelay,
  access: Pick<MachineAccess, "token" | "call">,
  relayId: string | undefined,
): RelayPlatform {
  const client = platformOf(relay, () => access.token());
  return {
    relayId,
    connect: (body) => access.call(() => client.relayAgent.connect(body)),
    heartbeat: (report, signal) => client.relayAgent.heartbeat({ report }, { signal }),
    events: (ask) => client.events(ask),
    report: (report, ask) => client.relayAgent.reportTunnels(report, ask),
  };
}

/** PROTOCOL A.2, v1: registers with each call for certificates. */
function asIdentity(relay: KnownRelay, login: IdentityLogin): RelayPlatform {
  const { name } = relay;
  const host = requireHost(relay);
  const session = new IdentitySession({ login, calls: platformOf(relay).identities });
  const client = platformOf(relay, () => session.token());
  return {
    connect: (body) => client.identities.registerRelay({ name, host, ...body }),
    heartbeat: (report, signal) => client.identities.heartbeatRelay({ name, report }, { signal }),
    events: (ask) => client.events({ ...ask, as: "relay" }),
    report: (report, ask) => client.relayAgent.reportTunnels(report, ask),
  };
}

async function asInstance(relay: KnownRelay): Promise<RelayPlatform> {
  const { name } = relay;
  const { shared, host } = await requireInstance(relay);
  const instanceRelay = { name, secret: shared };
  const client = platformOf(relay);
  return {
    connect: (body) => client.relayAgent.registerInstance(shared, { name, host, ...body }),
    heartbeat: (report, signal) => client.relayAgent.heartbeatInstance(shared, { name, report }, { signal }),
    events: (ask) => client.events({ ...ask, instanceRelay }),
    report: (report, ask) => client.relayAgent.reportTunnels(report, { ...ask, instanceRelay }),
  };
}
