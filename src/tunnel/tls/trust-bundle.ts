import type { X509Certificate } from "node:crypto";
import { decodePem } from "../../pki/pem.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";

/** What a leaf's key may be used for (RFC 5280, 4.2.1.12). */
const PURPOSE = { server: "1.3.6.1.5.5.7.3.1", client: "1.3.6.1.5.5.7.3.2" } as const;
export type Purpose = keyof typeof PURPOSE;

const BUNDLE_LIMIT = 32;
const PATH_LIMIT = 8;
/** Bundles kept parsed: their signatures cost 0.1 ms each, which is a good part of a dial. */
const KEPT_BUNDLES = 16;
const KEPT_LEAVES = 256;
const kept = new Map<string, TrustBundle>();

/**
 * The authorities that we were given for one kind of peer. TLS itself also builds chains over certificates that the
 * peer sends along, which would let a leaf of another organisation in under a common root; here every step from the
 * leaf upwards has to be one of ours (PROTOCOL C.3, "Bundles handed out").
 */
export class TrustBundle {
  readonly #authorities: readonly Certificate[];
  /** Which authorities signed which; a signature does not change, so it is checked once. */
  readonly #signers = new WeakMap<Certificate, readonly Certificate[]>();
  /** Leaves that were accepted, by their bytes: the same client and the same relay come again and again. */
  readonly #accepted = new Map<string, Certificate>();

  private constructor(authorities: readonly Certificate[]) {
    this.#authorities = authorities;
  }

  /** @throws SallyportError CONFIG_INVALID */
  static parse(pem: string): TrustBundle {
    const known = kept.get(pem);
    if (known) return known;
    const bundle = TrustBundle.#read(pem);
    remember(kept, pem, bundle, KEPT_BUNDLES);
    return bundle;
  }

  static #read(pem: string): TrustBundle {
    const blocks = decodePem("CERTIFICATE", pem);
    if (blocks.length === 0 || blocks.length > BUNDLE_LIMIT) {
      throw new SallyportError(
        "CONFIG_INVALID",
        `A bundle of authorities must hold 1 to ${BUNDLE_LIMIT} certificates, not ${blocks.length}.`,
      );
    }
    return new TrustBundle(blocks.map(parseCertificate));
  }

  /**
   * Checks a leaf and every authority above it, whatever TLS said: purpose, validity now, signatures, who may sign,
   * path length.
   * @throws SallyportError CERTIFICATE_REFUSED with the rule that was broken
   */
  verify(der: Uint8Array, purpose: Purpose, now: Date): Certificate {
    const bytes = Buffer.from(der).toString("latin1");
    const leaf = this.#accepted.get(bytes) ?? parseCertificate(der);
    if (leaf.isAuthority) throw refused("it belongs to an authority (CA:TRUE)");
    if (!leaf.purposes.includes(PURPOSE[purpose])) throw refused(`it may not be used by a ${purpose}`);
    requireValid(leaf, now, "it");
    this.#climb(leaf, 0, now);
    remember(this.#accepted, bytes, leaf, KEPT_LEAVES);
    return leaf;
  }

  /** Finds one way from `child` to a root of ours; `below` counts the authorities under the next one. */
  #climb(child: Certificate, below: number, now: Date): void {
    const signers = this.#signersOf(child);
    if (signers.length === 0) {
      if (below === 0) throw refused("none of the authorities we trust has issued it");
      return;
    }
    if (below >= PATH_LIMIT) throw refused("its chain is too long");
    let broken: unknown;
    for (const signer of signers) {
      try {
        requireAuthority(signer, below, now);
        if (signer.selfIssued) return;
        return this.#climb(signer, below + 1, now);
      } catch (error) {
        broken ??= error;
      }
    }
    throw broken;
  }

  #signersOf(child: Certificate): readonly Certificate[] {
    const known = this.#signers.get(child);
    if (known) return known;
    const signers = this.#authorities.filter(({ x509 }) => isSignedBy(child.x509, x509));
    this.#signers.set(child, signers);
    return signers;
  }
}

/** Keeps the newest `limit` entries. */
function remember<T>(map: Map<string, T>, key: string, value: T, limit: number): void {
  map.set(key, value);
  const oldest = map.size > limit ? map.keys().next().value : undefined;
  if (oldest !== undefined) map.delete(oldest);
}

/** A root of Infisical's has no BasicConstraints (PROTOCOL C); every other authority must say CA:TRUE. */
function requireAuthority(authority: Certificate, below: number, now: Date): void {
  const name = `its issuer ${JSON.stringify(authority.commonName.slice(0, 80))}`;
  const isOldRoot = !authority.hasConstraints && authority.selfIssued;
  if (!authority.isAuthority && !isOldRoot) throw refused(`${name} is no authority`);
  if (!authority.maySignCertificates) throw refused(`${name} may not sign certificates`);
  if (authority.pathLength !== undefined && below > authority.pathLength) {
    throw refused(`${name} may not stand so high in a chain (path length ${authority.pathLength})`);
  }
  requireValid(authority, now, name);
}

function requireValid({ notBefore, notAfter }: Certificate, now: Date, name: string): void {
  if (now < notBefore) throw refused(`${name} is not valid before ${notBefore.toISOString()}`);
  if (now > notAfter) throw refused(`${name} expired at ${notAfter.toISOString()}`);
}

/** An issuer's key that cannot be used (of an odd type, say) has signed nothing. */
function isSignedBy(child: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return child.checkIssued(issuer) && child.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

function refused(rule: string): SallyportError {
  return new SallyportError("CERTIFICATE_REFUSED", `The certificate is refused: ${rule}.`);
}
