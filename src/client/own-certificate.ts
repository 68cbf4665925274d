import { decodePem } from "../pki/pem.ts";
import { SallyportError } from "../telemetry/error.ts";
import { parsePeerCertificate } from "../tunnel/tls/peer-certificate.ts";

/**
 * Refuses to dial with a certificate of ours that is expired or not valid yet: the peer would close without saying why.
 * @throws SallyportError CERTIFICATE_REFUSED, CONFIG_INVALID
 */
export function requireCurrent(pem: string, peer: "relay" | "gateway", now = new Date()): void {
  const der = decodePem("CERTIFICATE", pem)[0];
  if (!der) {
    throw new SallyportError("CONFIG_INVALID", `There is no client certificate for the ${peer}.`);
  }
  const { notBefore, notAfter } = parsePeerCertificate(der);
  if (now > notAfter) {
    throw new SallyportError(
      "CERTIFICATE_REFUSED",
      `The client certificate for the ${peer} expired at ${notAfter.toISOString()}: request access again.`,
    );
  }
  if (now < notBefore) {
    throw new SallyportError(
      "CERTIFICATE_REFUSED",
      `The client certificate for the ${peer} is not valid before ${notBefore.toISOString()}: is this machine's clock right?`,
    );
  }
}
