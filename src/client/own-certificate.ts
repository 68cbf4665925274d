import { SallyportError } from "../telemetry/error.ts";
import { readLeaf } from "../tunnel/tls/own-identity.ts";

/**
 * Refuses to dial with a certificate of ours that is expired or not valid yet: the peer would close without saying why.
 * @throws SallyportError CERTIFICATE_REFUSED, CONFIG_INVALID
 */
export function requireCurrent(pem: string, peer: "relay" | "gateway", now = new Date()): void {
  const { notBefore, notAfter } = readLeaf(pem);
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
