import type { GatewayRelay } from "../../pki/credentials.ts";
import { parseSshCertificateLine, type SshCertificate } from "../../pki/ssh-certificate.ts";
import { parseSshPublicKey } from "../../pki/ssh-keys.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { checkUserCertificate } from "../../tunnel/ssh/certificate-auth.ts";
import { SshProbe } from "../../tunnel/ssh/probe.ts";
import type { Surroundings } from "./context.ts";
import type { Way } from "./reach.ts";
import { type Collector, keyOf, type Step } from "./step.ts";

export interface SshLook {
  /** The relay's name, where there are several. */
  about?: string | undefined;
  /** An open way to the relay's SSH port. */
  way: Way;
  /** What is known of the relay; asked once the way is open. @throws SallyportError */
  expected: () => { hostAuthorities: string[]; hostPrincipals: readonly string[] };
  explainedBy?: readonly string[];
}

export interface SshSteps extends Collector {
  steps: Step[];
  /** Of the last step. */
  key: string;
  /** The connection after the key exchange. */
  probe(): SshProbe;
}

/** SSH banner, key exchange and host certificate of a relay. */
export function lookAtSsh(
  { about, way, expected, explainedBy = [] }: SshLook,
  around: Surroundings,
): SshSteps {
  let probe: SshProbe | undefined;
  const opened = () => {
    if (probe) return probe;
    throw new SallyportError("INTERNAL", "There is no SSH connection to look at.");
  };
  const key = (id: string) => keyOf({ id, about });
  const common = { about, timeoutMs: around.patienceMs, explainedBy };
  return {
    key: key("host-certificate"),
    probe: opened,
    close() {
      probe?.close();
      probe = undefined;
    },
    steps: [
      {
        ...common,
        id: "ssh-banner",
        title: "SSH banner",
        needs: [way.key],
        run: async () => {
          const { hostAuthorities, hostPrincipals } = expected();
          const authorities = hostAuthorities.map(parseSshPublicKey);
          const rules = { hostAuthorities: authorities, hostPrincipals, now: around.now };
          probe = new SshProbe(way.takeWire(), rules);
          return await probe.banner();
        },
      },
      {
        ...common,
        id: "ssh-keys",
        title: "SSH key exchange",
        needs: [key("ssh-banner")],
        run: async () => {
          await opened().keys();
          return "keys agreed on";
        },
      },
      {
        ...common,
        id: "host-certificate",
        title: "Host certificate",
        needs: [key("ssh-keys")],
        run: async () => {
          const certificate = opened().hostCertificate();
          return `${certificate.principals.join(", ")} until ${end(certificate)}`;
        },
      },
    ],
  };
}

/**
 * The certificate that a gateway logs in with, by our own rules first: a relay pauses an address whose login it
 * refused, which must not happen to a daemon because somebody looked.
 */
export function lookAtUserCertificate(
  look: {
    about?: string | undefined;
    gatewayId: () => string;
    relay: () => GatewayRelay;
    ssh: SshSteps;
    explainedBy: readonly string[];
  },
  around: Surroundings,
): Collector & { steps: Step[] } {
  const { about, gatewayId, relay, ssh, explainedBy } = look;
  return {
    steps: [
      {
        id: "user-certificate",
        about,
        title: "User certificate",
        needs: [ssh.key],
        explainedBy,
        timeoutMs: around.patienceMs,
        run: async () => {
          const { relayName, ssh: identity } = relay();
          const certificate = parseSshCertificateLine(identity.certificate);
          requireUsable(certificate, gatewayId(), relayName, around.now());
          await ssh.probe().wouldAccept(gatewayId(), identity);
          return `accepted, until ${end(certificate)}`;
        },
      },
    ],
  };
}

/** @throws SallyportError CERTIFICATE_REFUSED, which says the rule */
function requireUsable(
  certificate: SshCertificate,
  gatewayId: string,
  relayName: string | undefined,
  now: Date,
): void {
  const authorities = [certificate.authorityBlob];
  // Where a certificate is bound to addresses, only the relay sees ours.
  const unbound = { ...certificate, criticalOptions: new Map<string, Buffer>() };
  checkUserCertificate(unbound, { authorities, username: gatewayId, remoteAddress: "", now });
  if (relayName === undefined || certificate.keyId === `client-${relayName}`) return;
  const message = `The user certificate was issued for ${certificate.keyId.replace(/^client-/, "the relay ")}, not for ${relayName}.`;
  throw new SallyportError("CERTIFICATE_REFUSED", message);
}

function end({ validBefore }: SshCertificate): string {
  const milliseconds = Number(validBefore) * 1000;
  return milliseconds < 8.64e15 ? new Date(milliseconds).toISOString() : "for ever";
}
