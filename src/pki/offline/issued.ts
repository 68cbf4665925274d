import type { Identity } from "../identity.ts";

/** What `ca issue` made. */
export interface Issued<I extends Identity> {
  identity: I;
  /** Absolute. */
  directory: string;
  /** As in `Revocations`; any of them names the holder to `ca revoke`. */
  serials: string[];
  /** Files for the private keys that their holder keeps: to be put there by hand, mode 0600. */
  missingKeys: string[];
}
