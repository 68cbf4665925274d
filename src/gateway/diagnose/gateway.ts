import { type AgentLook, lookByHeartbeat } from "../../client/diagnose/agent.ts";
import { clockStep } from "../../client/diagnose/clock.ts";
import type { Surroundings } from "../../client/diagnose/context.ts";
import { lookAtState } from "../../client/diagnose/disk.ts";
import { PLATFORM_STEPS } from "../../client/diagnose/platform.ts";
import type { Collector } from "../../client/diagnose/step.ts";
import type { GatewayCredentials } from "../../pki/credentials.ts";
import { gatewayLifetimes } from "../../pki/lifetimes.ts";
import type { Code } from "../../telemetry/codes.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { dialTarget } from "../target-dial.ts";
import type { TargetPolicy } from "../target-policy.ts";
import { type Target, targetLabel } from "../target-resolve.ts";
import { lookAtRelays } from "./relays.ts";
import { lookAtTunnels } from "./tunnels.ts";

export interface GatewayLook extends AgentLook {
  /** What it runs with, or would start with. @throws SallyportError */
  credentials: (signal: AbortSignal) => Promise<GatewayCredentials>;
  policy: TargetPolicy;
  /** Dialled as for a client, when it is named. */
  target?: Target | undefined;
}

const CREDENTIALS = "credentials";
/** These are about the caller; every other refusal of a heartbeat is about its probe. */
const ABOUT_US: ReadonlySet<Code> = new Set<Code>([
  "UNAUTHENTICATED",
  "FORBIDDEN",
  "NOT_FOUND",
  "GATEWAY_REVOKED",
  "PLATFORM_UNREACHABLE",
  "TLS_UNTRUSTED",
  "PROXY_REFUSED",
  "PROXY_UNREACHABLE",
]);

/** Everything from a gateway's machine: towards its platform, its relays and a target. It disturbs no tunnel. */
export function lookFromGateway(look: GatewayLook, around: Surroundings): Collector[] {
  const { platform, caFile, target, policy } = look;
  let known: GatewayCredentials | undefined;
  const platformSteps =
    platform &&
    lookByHeartbeat(
      {
        ...{ platform, caFile, who: "gateway", needs: "daemon" },
        isAboutProbe: (code) => !ABOUT_US.has(code),
        reached: "the platform reaches this gateway through its relay",
      },
      around,
    );
  const collectors: Collector[] = [lookAtState(look.stateDirectory)];
  if (platformSteps) collectors.push(platformSteps.way);
  collectors.push({
    steps: [
      {
        id: CREDENTIALS,
        title: "Certificates",
        explainedBy: PLATFORM_STEPS,
        async run(signal) {
          const found = await look.credentials(signal);
          const until = requireUsable(found, around.now());
          known = found;
          return `gateway ${found.gatewayId}, until ${until.toISOString()}`;
        },
      },
    ],
  });
  if (!platform) {
    const lifetimes = () => (known ? gatewayLifetimes(known) : []);
    collectors.push({ steps: [clockStep(lifetimes, [CREDENTIALS], around.now)] });
  }
  const relays = lookAtRelays({ credentials: () => known, needs: [CREDENTIALS], caFile }, around);
  collectors.push(relays);
  collectors.push({ steps: () => [lookAtTunnels({ ...look, needs: relays.keys() })] });
  if (platformSteps) collectors.push(platformSteps.probe);
  if (target) {
    collectors.push({
      steps: [
        {
          id: "target",
          title: "Target",
          timeoutMs: 11_000,
          async run(signal) {
            const { resolve } = around;
            (await dialTarget(target, policy, { signal, ...(resolve && { resolve }) })).destroy();
            return `${targetLabel(target)} answers`;
          },
        },
      ],
    });
  }
  return collectors;
}

/** @returns when the first of them expires @throws SallyportError GATEWAY_REVOKED, CERTIFICATE_REFUSED */
function requireUsable(credentials: GatewayCredentials, now: Date): Date {
  const { gatewayId, revocations } = credentials;
  if (revocations?.gatewayIds.has(gatewayId)) {
    throw new SallyportError("GATEWAY_REVOKED", `The gateway ${gatewayId} is revoked: issue it anew.`);
  }
  const lifetimes = gatewayLifetimes(credentials);
  const first = lifetimes.toSorted((a, b) => a.until.getTime() - b.until.getTime())[0];
  if (!first) throw new SallyportError("CONFIG_INVALID", "There is no certificate.");
  if (first.until > now) return first.until;
  const message = `The certificate ${first.name} expired at ${first.until.toISOString()}.`;
  throw new SallyportError("CERTIFICATE_REFUSED", message);
}
