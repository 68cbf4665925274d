import { SallyportError } from "../../telemetry/error.ts";
import { insertAudit } from "../store/audit.ts";
import { deleteLoginToken, findLogin, insertApiToken } from "../store/people.ts";
import { byHolder, type Person } from "./actors.ts";
import type { Core } from "./core.ts";
import type { FailureLimiter } from "./failure-limiter.ts";
import { mintOpaqueToken } from "./opaque-tokens.ts";
import { Slots } from "./slots.ts";

/** ACCEPTANCE, "Lifetimes". */
const SESSION_MS = 12 * 60 * 60 * 1000;
/** Argon2id takes 64 MiB for each. */
const HASHES_AT_ONCE = 4;
const HASHES_WAITING = 100;

const hashing = new Slots(HASHES_AT_ONCE, HASHES_WAITING);

/** Argon2id. Never inside a transaction. */
export async function hashPassword(password: string): Promise<string> {
  return await hashing.run(() => Bun.password.hash(password, "argon2id"));
}

/**
 * A token for a person who knows the password, good for 12 hours. An unknown address takes as long as a wrong password.
 * @throws SallyportError UNAUTHENTICATED, RATE_LIMITED
 */
export async function logIn(
  core: Core,
  limiter: FailureLimiter,
  request: { email: string; password: string; address: string },
): Promise<{ accessToken: string; expiresAt: string }> {
  const { email, password, address } = request;
  limiter.attempt(address, email);
  const login = await findLogin(core.store.read, email);
  const matches = await hashing.run(async () => await verify(password, login?.password_hash ?? null));
  if (!login || !matches) {
    throw new SallyportError("UNAUTHENTICATED", "The e-mail address or the password is wrong.");
  }
  limiter.succeeded(address, email);
  const token = mintOpaqueToken("spt_");
  const now = core.now();
  const expiresAt = new Date(now.getTime() + SESSION_MS).toISOString();
  await core.store.transaction(async (sql) => {
    await insertApiToken(sql, {
      id: crypto.randomUUID(),
      userId: login.user_id,
      orgId: login.org_id,
      name: "login",
      tokenHash: token.hash,
      now: now.toISOString(),
      expiresAt,
    });
    const actor = { type: "user", id: login.user_id, name: email } as const;
    const entry = { orgId: login.org_id, event: "USER_LOGIN", actor, address, detail: {} } as const;
    await insertAudit(sql, entry, now.toISOString());
  });
  return { accessToken: token.plain, expiresAt };
}

/** Makes the login that the request came with worthless. An API token that lasts is left alone: others may use it. */
export async function logOut(core: Core, person: Person): Promise<void> {
  await core.store.transaction(async (sql) => {
    await deleteLoginToken(sql, person.tokenId);
    const entry = { ...byHolder(person), event: "USER_LOGOUT", detail: {} } as const;
    await insertAudit(sql, entry, core.now().toISOString());
  });
}

async function verify(password: string, hash: string | null): Promise<boolean> {
  if (hash !== null) return await Bun.password.verify(password, hash);
  await Bun.password.hash(password, "argon2id");
  return false;
}
