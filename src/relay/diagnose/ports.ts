import { connect } from "node:tls";
import type { Surroundings } from "../../client/diagnose/context.ts";
import { lookAtWay } from "../../client/diagnose/reach.ts";
import { lookAtSsh } from "../../client/diagnose/ssh.ts";
import type { Collector, Outcome } from "../../client/diagnose/step.ts";
import { formatHostPort } from "../../host/address.ts";
import type { RelayCredentials } from "../../pki/credentials.ts";
import { parseSshCertificateLine } from "../../pki/ssh-certificate.ts";
import { describe, SallyportError } from "../../telemetry/error.ts";
import { parseCertificate } from "../../tunnel/tls/certificate.ts";

export interface Listening {
  host: string;
  sshPort: number;
  tlsPort: number;
}

export interface PortsLook {
  /** As this machine reaches itself; asked once the steps in `needs` were good. */
  listening: () => Listening;
  credentials: () => RelayCredentials;
  needs: readonly string[];
}

/** What a gateway and a client meet on a relay's two ports, short of a login. */
export function lookAtPorts(look: PortsLook, around: Surroundings): Collector {
  const { listening, credentials, needs } = look;
  const at = () => ({ host: listening().host, port: listening().sshPort });
  const way = lookAtWay({ what: "relay", at, needs }, around);
  const ssh = lookAtSsh({ way, expected: () => expected(credentials()) }, around);
  return {
    steps: [
      ...way.steps,
      ...ssh.steps,
      {
        id: "tls-port",
        title: "TLS port",
        needs,
        timeoutMs: around.patienceMs,
        run(signal) {
          const { host, tlsPort } = listening();
          return lookAtTls(host, tlsPort, around.now(), signal);
        },
      },
    ],
    close() {
      ssh.close?.();
      way.close?.();
    },
  };
}

/** A relay knows no authority of its own kind: its certificate has to be by the same one, and name the same. */
function expected({ ssh }: RelayCredentials) {
  const { authorityBlob, principals } = parseSshCertificateLine(ssh.host.certificate);
  return { hostAuthorities: [publicLine(authorityBlob)], hostPrincipals: principals };
}

function publicLine(blob: Buffer): string {
  const type = blob.toString("latin1", 4, 4 + blob.readUInt32BE(0));
  return `${type} ${blob.toString("base64")}`;
}

/** Without a client certificate: the relay shows its own, then refuses us, which is as it should be. */
async function lookAtTls(host: string, port: number, now: Date, signal: AbortSignal): Promise<Outcome> {
  const { notAfter, x509 } = parseCertificate(await certificateAt(host, port, signal));
  if (now <= notAfter) {
    return `${x509.subjectAltName ?? "a certificate without names"} until ${notAfter.toISOString()}`;
  }
  const message = `The relay shows a TLS certificate that expired at ${notAfter.toISOString()}.`;
  throw new SallyportError("CERTIFICATE_REFUSED", message);
}

function certificateAt(host: string, port: number, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const where = formatHostPort(host, port);
    const socket = connect({ host, port, rejectUnauthorized: false });
    const stop = () => socket.destroy();
    const finish = (settle: () => void) => {
      signal.removeEventListener("abort", stop);
      settle();
      socket.destroy();
    };
    signal.addEventListener("abort", stop, { once: true });
    socket.once("secureConnect", () => finish(() => resolve(socket.getPeerCertificate().raw)));
    socket.once("error", (cause: Error) => {
      const message = `There is no TLS on ${where}: ${describe(cause)}.`;
      finish(() => reject(new SallyportError("RELAY_UNREACHABLE", message, { cause })));
    });
  });
}
