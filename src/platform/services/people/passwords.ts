import { SallyportError } from "../../../telemetry/error.ts";
import type { Core } from "../core.ts";
import { networkOf } from "../login/failure-limiter.ts";
import { countAttempt, forgetAttempts } from "../login/lock-out.ts";
import { Slots } from "../slots.ts";

/** Of argon2id. */
export interface PasswordCost {
  /** KiB. */
  memoryCost: number;
  /** Passes over it. */
  timeCost: number;
}

/** Three times the memory that OWASP asks for at least. */
export const PASSWORD_COST: PasswordCost = { memoryCost: 64 * 1024, timeCost: 2 };

/** Each takes that memory. */
const HASHES_AT_ONCE = 4;
const HASHES_WAITING = 100;
/** Of them from one address: whoever guesses at many accounts keeps nobody else from logging in. */
const HASHES_WAITING_EACH = 10;

const hashing = new Slots(HASHES_AT_ONCE, HASHES_WAITING, HASHES_WAITING_EACH);

/** Characters of a password that somebody chooses. */
export const PASSWORD_LENGTH = { min: 12, max: 256 };

/**
 * Argon2id. Never inside a transaction.
 * @param address of whoever asks for it over the network
 * @throws SallyportError RESOURCE_SHORTAGE
 */
export async function hashPassword(
  { passwordCost }: Core,
  password: string,
  address?: string,
): Promise<string> {
  const whose = address === undefined ? undefined : networkOf(address);
  return await hashing.run(() => hash(password, passwordCost), whose);
}

/**
 * Checks a password, and counts failures by address and account. An account that does not exist takes as long.
 * @param stored its hash; null = there is no such account, or nobody can log in to it
 * @throws SallyportError UNAUTHENTICATED with `refusal`, RATE_LIMITED, RESOURCE_SHORTAGE
 */
export async function requirePassword(
  core: Core,
  given: { email: string; password: string; address: string },
  stored: string | null,
  refusal: string,
): Promise<void> {
  const guess = { address: given.address, account: given.email };
  await countAttempt(core, guess);
  const matches = await hashing.run(() => verify(core, given.password, stored), networkOf(given.address));
  if (!matches) throw new SallyportError("UNAUTHENTICATED", refusal);
  await forgetAttempts(core, guess);
}

async function verify({ passwordCost }: Core, password: string, stored: string | null): Promise<boolean> {
  if (stored !== null) return await Bun.password.verify(password, stored);
  await hash(password, passwordCost);
  return false;
}

function hash(password: string, cost: PasswordCost): Promise<string> {
  return Bun.password.hash(password, { algorithm: "argon2id", ...cost });
}
