import { SallyportError } from "../../../telemetry/error.ts";
import { deleteOtherSessions, deleteSession } from "../../store/api-tokens.ts";
import { insertAudit } from "../../store/audit.ts";
import { deletePasswordReset } from "../../store/password-resets.ts";
import { findLogin, type LoginRow, storePassword } from "../../store/people.ts";
import { byHolder, type Person } from "../actors.ts";
import type { Core } from "../core.ts";
import { holdersChanged, personChanged } from "../events/holders-changed.ts";
import { newSession, type Session } from "../login/sessions.ts";
import { hashPassword, requirePassword } from "./passwords.ts";

interface Credentials {
  email: string;
  password: string;
  address: string;
}

/**
 * A session for a person who knows the password, in the organisation that they joined first. An unknown address takes
 * as long as a wrong password.
 * @throws SallyportError UNAUTHENTICATED, RATE_LIMITED
 */
export async function logIn(core: Core, request: Credentials): Promise<Session> {
  const login = await findLogin(core.store.read, request.email);
  await requireLogin(core, request, login);
  const { accessToken, expiresAt, write } = newSession(core.now());
  if (!login) throw new Error("A password matched nobody's");
  await core.store.transaction(async (sql) => {
    await write(sql, { userId: login.user_id, orgId: login.org_id });
    const entry = { ...byLogin(login, request), event: "USER_LOGIN", detail: {} } as const;
    await insertAudit(sql, entry, core.now().toISOString());
  });
  return { accessToken, expiresAt };
}

/** Makes the login that the request came with worthless. An API token that lasts is left alone: others may use it. */
export async function logOut(core: Core, person: Person): Promise<void> {
  await core.store.transaction(async (sql) => {
    await deleteSession(sql, person.tokenId);
    const now = core.now().toISOString();
    await insertAudit(sql, { ...byHolder(person), event: "USER_LOGOUT", detail: {} }, now);
    await holdersChanged(sql, person.orgId, now);
  });
}

/**
 * Every other session of the person ends, in all organisations, and a link for a new password is worthless; API tokens
 * stay.
 * @throws SallyportError UNAUTHENTICATED when the present password is another, RATE_LIMITED
 */
export async function changePassword(
  core: Core,
  person: Person,
  change: { currentPassword: string; newPassword: string },
): Promise<void> {
  const { userId, email, address } = person;
  const login = await findLogin(core.store.read, email);
  const given = { email, password: change.currentPassword, address };
  await requirePassword(core, given, login?.password_hash ?? null, "The current password is wrong.");
  const passwordHash = await hashPassword(core, change.newPassword, address);
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await deletePasswordReset(sql, userId);
    await storePassword(sql, userId, passwordHash, now);
    await deleteOtherSessions(sql, userId, person.tokenId);
    await insertAudit(sql, { ...byHolder(person), event: "USER_PASSWORD_CHANGE", detail: {} }, now);
    await personChanged(sql, userId, now);
  });
}

/** Failures are in the audit log of the organisation that the login would have opened. */
async function requireLogin(core: Core, request: Credentials, login: LoginRow | undefined): Promise<void> {
  try {
    const refusal = "The e-mail address or the password is wrong.";
    await requirePassword(core, request, login?.password_hash ?? null, refusal);
  } catch (error) {
    if (login && error instanceof SallyportError && error.code === "UNAUTHENTICATED") {
      const entry = { ...byLogin(login, request), event: "USER_LOGIN_FAILED", detail: {} } as const;
      await core.store.transaction((sql) => insertAudit(sql, entry, core.now().toISOString()));
    }
    throw error;
  }
}

function byLogin(login: LoginRow, { email, address }: Credentials) {
  return { orgId: login.org_id, actor: { type: "user", id: login.user_id, name: email }, address } as const;
}
