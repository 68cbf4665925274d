import { X509Certificate } from "node:crypto";
import type { GatewayCredentials, RelayCredentials } from "./credentials.ts";
import { bundleFingerprints, lineFingerprint } from "./fingerprint.ts";
import { decodePem, encodePem } from "./pem.ts";
import { subject } from "./subject.ts";
import { X509Authority } from "./x509-authority.ts";

/** Far more than a platform has at a time: those of one rotation are a dozen. */
const MOST = 1000;

/**
 * Authorities whose private keys are in other hands, as the platform said (EXTENSIONS X4). Until newer credentials are
 * here, those at hand have to do without them; an answer that was under way may even bring them back.
 */
export class DistrustedAuthorities {
  readonly #fingerprints = new Set<string>();
  #nobody: Promise<X509Authority> | undefined;

  /** @param fingerprints see `authorityFingerprint` */
  add(fingerprints: Iterable<string>): void {
    for (const fingerprint of fingerprints) this.#fingerprints.add(fingerprint);
    for (const oldest of this.#fingerprints) {
      if (this.#fingerprints.size <= MOST) return;
      this.#fingerprints.delete(oldest);
    }
  }

  /** The same without them; the very same where none of them was trusted. */
  async relay(credentials: RelayCredentials): Promise<RelayCredentials> {
    const { tls, ssh } = credentials;
    const userAuthorities = this.#lines(ssh.userAuthorities);
    const clientAuthorities = await this.#bundle(tls.clientAuthorities);
    if (userAuthorities === ssh.userAuthorities && clientAuthorities === tls.clientAuthorities) {
      return credentials;
    }
    return { ...credentials, tls: { ...tls, clientAuthorities }, ssh: { ...ssh, userAuthorities } };
  }

  /** The same without them; the very same where none of them was trusted. */
  async gateway(credentials: GatewayCredentials): Promise<GatewayCredentials> {
    const { tls, relays } = credentials;
    const clientAuthorities = await this.#bundle(tls.clientAuthorities);
    const pruned = relays.map((relay) => {
      const hostAuthorities = this.#lines(relay.hostAuthorities);
      return hostAuthorities === relay.hostAuthorities ? relay : { ...relay, hostAuthorities };
    });
    const isSame =
      clientAuthorities === tls.clientAuthorities && pruned.every((relay, i) => relay === relays[i]);
    return isSame ? credentials : { ...credentials, relays: pruned, tls: { ...tls, clientAuthorities } };
  }

  #lines(lines: string[]): string[] {
    const kept = lines.filter((line) => !this.#fingerprints.has(lineFingerprint(line)));
    return kept.length === lines.length ? lines : kept;
  }

  /** A bundle has to hold something: when nothing is left, an authority whose private key nobody has. */
  async #bundle(pem: string): Promise<string> {
    if (!bundleFingerprints(pem).some((fingerprint) => this.#fingerprints.has(fingerprint))) return pem;
    const kept = decodePem("CERTIFICATE", pem)
      .map((der) => new X509Certificate(der))
      .filter((certificate) => !this.#fingerprints.has(fingerprintOf(certificate)));
    const rooted = withoutOrphans(kept).map(({ raw }) => encodePem("CERTIFICATE", raw));
    if (rooted.length > 0) return rooted.join("");
    this.#nobody ??= X509Authority.createRoot({ subject: subject(["CN", "Nobody"]) });
    return (await this.#nobody).certificatePem;
  }
}

/** An authority that lost the one above it would be taken for a root. */
function withoutOrphans(certificates: X509Certificate[]): X509Certificate[] {
  const rooted = certificates.filter((one) =>
    certificates.some((other) => one.checkIssued(other) && one.verify(other.publicKey)),
  );
  return rooted.length === certificates.length ? rooted : withoutOrphans(rooted);
}

function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(":", "").toLowerCase();
}
