import { createHash, randomBytes } from "node:crypto";

/** Tokens that say nothing: only their hash is stored (PROTOCOL A.4). */
export type OpaquePrefix =
  /** Enrollment of gateways and relays. */
  | "gwe_"
  | /** People. */ "spt_"
  | /** Secrets of machine identities. */ "spi_"
  | /** Invitations of people. */ "spv_"
  | /** Links for a new password. */ "spr_"
  | "setup_";

export interface OpaqueToken {
  /** Shown once, to its owner. */
  plain: string;
  hash: string;
}

/** The prefix and 32 random bytes in base64url. */
export function mintOpaqueToken(prefix: OpaquePrefix): OpaqueToken {
  const plain = prefix + randomBytes(32).toString("base64url");
  return { plain, hash: hashOpaqueToken(plain) };
}

/**
 * SHA-256 of the whole text in lower-case hex. A lookup by this value needs no constant-time comparison: what an
 * attacker could learn from its timing are digits of a hash that can't be steered.
 */
export function hashOpaqueToken(plain: string): string {
  return createHash("sha256").update(plain).digest("hex");
}
