import type { Surroundings } from "../../client/diagnose/context.ts";
import { PLATFORM } from "../../client/diagnose/platform.ts";
import { lookAtWay } from "../../client/diagnose/reach.ts";
import { lookAtSsh, lookAtUserCertificate } from "../../client/diagnose/ssh.ts";
import { type Collector, keyOf, type Step } from "../../client/diagnose/step.ts";
import { formatHostPort } from "../../host/address.ts";
import { chooseProxy } from "../../host/proxy.ts";
import type { GatewayCredentials, GatewayRelay } from "../../pki/credentials.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { relayLabel } from "../issued.ts";

export interface RelaysLook {
  /** Undefined while they are unknown. */
  credentials: () => GatewayCredentials | undefined;
  needs: readonly string[];
  caFile?: string | undefined;
}

/** PROTOCOL 0.1: behind a port mapping a relay's certificate may name its own port. */
const STANDARD_PORT = 2222;
const USER_CERTIFICATE = "user-certificate";

/** The way to each relay, up to the login that does not take place. */
export function lookAtRelays(look: RelaysLook, around: Surroundings): Collector & { keys(): string[] } {
  const made: Collector[] = [];
  // Without credentials nobody knows a relay; the steps that could not be taken are shown all the same.
  const relays = (): (GatewayRelay | undefined)[] => look.credentials()?.relays ?? [undefined];
  return {
    keys: () => relays().map((relay) => keyOf({ id: USER_CERTIFICATE, about: relay && relayLabel(relay) })),
    steps() {
      return relays().flatMap((relay) => {
        const { steps, close } = lookAtRelay(look, relay, around);
        made.push({ steps, close });
        return steps;
      });
    },
    close() {
      for (const { close } of made.splice(0)) close?.();
    },
  };
}

function lookAtRelay(
  { credentials, needs, caFile }: RelaysLook,
  relay: GatewayRelay | undefined,
  around: Surroundings,
): { steps: Step[]; close: () => void } {
  const about = relay && relayLabel(relay);
  const known = () => {
    const gatewayId = credentials()?.gatewayId;
    if (relay && gatewayId !== undefined) return { relay, gatewayId };
    throw new SallyportError("INTERNAL", "There is no relay to look at.");
  };
  const way = lookAtWay(
    {
      ...{ what: "relay", like: "platform", about, needs, caFile },
      at: () => ({ host: known().relay.host, port: known().relay.sshPort }),
      proxy: (at) => chooseProxy(around.env, { protocol: "tunnel", ...at }),
    },
    around,
  );
  const ssh = lookAtSsh(
    {
      about,
      way,
      expected: () => ({ ...known().relay, hostPrincipals: principals(known().relay) }),
      explainedBy: [PLATFORM.clock, PLATFORM.token],
    },
    around,
  );
  const user = lookAtUserCertificate(
    {
      about,
      ssh,
      gatewayId: () => known().gatewayId,
      relay: () => known().relay,
      explainedBy: [PLATFORM.clock, PLATFORM.token],
    },
    around,
  );
  return {
    steps: [...way.steps, ...ssh.steps, ...user.steps],
    close() {
      ssh.close?.();
      way.close?.();
    },
  };
}

function principals({ host, sshPort }: GatewayRelay): string[] {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  return [...new Set([sshPort, STANDARD_PORT])].map((port) => formatHostPort(bare, port));
}
