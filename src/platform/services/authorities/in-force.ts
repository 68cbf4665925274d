import { uniqueCertificates } from "../../../pki/pem.ts";
import type { SshAuthority } from "../../../pki/ssh-authority.ts";
import type { X509Authority } from "../../../pki/x509-authority.ts";

/** The owner of the instance's own authorities (PROTOCOL A.5). */
export const INSTANCE = "00000000-0000-0000-0000-000000000000";

/** The authorities of one owner as they are now: one set, or two while they rotate. */
export interface InForce<T> {
  /** Signs. */
  issuing: T;
  /** Which one that is. */
  generation: number;
  /** What peers verify with: the set that signs, then the next one or the one before. */
  trusted: T[];
  /** The newest of those: whoever has been given it needs no more for now. */
  newest: number;
  newestSet: T;
}

/** One bundle of the chains of an authority in every set that is trusted (PROTOCOL C, "Bundles handed out"). */
export function bundleOf<T>({ trusted }: InForce<T>, pick: (set: T) => X509Authority): string {
  return uniqueCertificates(trusted.map((set) => pick(set).chainPem).join(""));
}

/** Its public keys, a line each. Infisical's programs read the first one. */
export function linesOf<T>({ trusted }: InForce<T>, pick: (set: T) => SshAuthority): string {
  return trusted.map((set) => pick(set).publicLine).join("\n");
}
