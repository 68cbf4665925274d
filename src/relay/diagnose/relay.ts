import { type AgentLook, lookByHeartbeat } from "../../client/diagnose/agent.ts";
import { clockStep } from "../../client/diagnose/clock.ts";
import type { Surroundings } from "../../client/diagnose/context.ts";
import { complaintOr, lookAtDaemon } from "../../client/diagnose/daemon.ts";
import { lookAtState } from "../../client/diagnose/disk.ts";
import { PLATFORM } from "../../client/diagnose/platform.ts";
import type { Collector, Step } from "../../client/diagnose/step.ts";
import type { RelayCredentials } from "../../pki/credentials.ts";
import { relayLifetimes } from "../../pki/lifetimes.ts";
import type { Code } from "../../telemetry/codes.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { addressesOf } from "../../tunnel/dial/addresses.ts";
import { type Listening, lookAtPorts } from "./ports.ts";

export interface RelayLook extends AgentLook {
  /** What it runs with, as it was kept. @throws SallyportError */
  credentials: () => Promise<RelayCredentials>;
  /** Where it should listen, as this machine reaches it; what the daemon says beats the ports. */
  listening: Listening;
}

const CREDENTIALS = "credentials";
/** That the platform could not reach the relay is another matter than the token. */
const ABOUT_PROBE: ReadonlySet<Code> = new Set<Code>([
  "RELAY_UNREACHABLE",
  "TIMEOUT",
  "TLS_FAILED",
  "CERTIFICATE_REFUSED",
  "PLATFORM_ERROR",
]);

/** Everything from a relay's machine: towards its platform, and its own ports. No session is opened. */
export function lookFromRelay(look: RelayLook, around: Surroundings): Collector[] {
  const { platform, caFile } = look;
  let known: RelayCredentials | undefined;
  const platformSteps =
    platform &&
    lookByHeartbeat(
      {
        ...{ platform, caFile, who: "relay", needs: "tls-port" },
        isAboutProbe: (code) => ABOUT_PROBE.has(code),
        reached: "the platform reaches this relay",
      },
      around,
    );
  let { listening } = look;
  const credentials = () => {
    if (known) return known;
    throw new SallyportError("INTERNAL", "There are no certificates to look with.");
  };
  const collectors: Collector[] = [lookAtState(look.stateDirectory)];
  if (platformSteps) collectors.push(platformSteps.way);
  collectors.push({
    steps: [
      daemon(look, ({ ssh, tls }) => {
        listening = { ...listening, sshPort: ssh, tlsPort: tls };
      }),
      {
        id: CREDENTIALS,
        title: "Certificates",
        needs: ["daemon"],
        explainedBy: [PLATFORM.clock],
        async run() {
          const found = await look.credentials();
          const until = requireValid(found, around.now());
          known = found;
          return `relay ${found.relayName}, until ${until.toISOString()}`;
        },
      },
    ],
  });
  if (!platform) {
    const lifetimes = () => relayLifetimes(credentials());
    collectors.push({ steps: [clockStep(lifetimes, [CREDENTIALS], around.now)] });
  }
  collectors.push(lookAtPorts({ listening: () => listening, credentials, needs: [CREDENTIALS] }, around));
  collectors.push({ steps: [publicName(credentials, around)] });
  if (platformSteps) collectors.push(platformSteps.probe);
  return collectors;
}

function daemon(
  { runtimeDirectory, start }: RelayLook,
  onListening: (ports: { ssh: number; tls: number }) => void,
): Step {
  return lookAtDaemon({
    runtimeDirectory,
    start,
    needs: [PLATFORM.token],
    judge(status) {
      if (status.listening) onListening(status.listening);
      return complaintOr(`process ${status.pid}, ${status.gateways?.total ?? 0} gateways`, status);
    },
  });
}

/** Gateways and clients dial the name; that it can't be looked up here need not mean that they can't. */
function publicName(credentials: () => RelayCredentials, { resolve }: Surroundings): Step {
  return {
    id: "public-name",
    title: "DNS of this relay",
    needs: [CREDENTIALS],
    async run() {
      const { host } = credentials();
      const addresses = await addressesOf(host, resolve).catch(() => []);
      if (addresses.length > 0) return `${host}: ${addresses.join(", ")}`;
      return {
        verdict: "warning",
        detail: `${host} can't be looked up on this machine`,
        fix: "Check that gateways and clients can look it up.",
      };
    },
  };
}

/** @returns when the first of them expires @throws SallyportError CERTIFICATE_REFUSED */
function requireValid(credentials: RelayCredentials, now: Date): Date {
  const lifetimes = relayLifetimes(credentials);
  const first = new Date(Math.min(...lifetimes.map(({ until }) => until.getTime())));
  if (first > now) return first;
  const message = `A certificate of this relay expired at ${first.toISOString()}.`;
  throw new SallyportError("CERTIFICATE_REFUSED", message);
}
