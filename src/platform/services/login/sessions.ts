import { deleteOldSessions, insertApiToken } from "../../store/api-tokens.ts";
import type { Sql } from "../../store/database.ts";
import { mintOpaqueToken, type OpaqueToken } from "./opaque-tokens.ts";

/** ACCEPTANCE, "Lifetimes". */
const SESSION_MS = 12 * 60 * 60 * 1000;
/** Of one person in one organisation; older ones end. */
const SESSIONS = 50;

/** A login: bearer token of a program, or cookie of a browser. */
export interface Session {
  accessToken: string;
  expiresAt: string;
}

export interface NewSession extends Session {
  write(sql: Sql, whose: { userId: string; orgId: string }): Promise<void>;
}

/** Good for 12 hours once `write` has stored it. */
export function newSession(now: Date): NewSession {
  const token: OpaqueToken = mintOpaqueToken("spt_");
  const expiresAt = new Date(now.getTime() + SESSION_MS).toISOString();
  return {
    accessToken: token.plain,
    expiresAt,
    async write(sql, whose) {
      await insertApiToken(sql, {
        ...whose,
        id: crypto.randomUUID(),
        kind: "session",
        name: "login",
        tokenHash: token.hash,
        now: now.toISOString(),
        expiresAt,
      });
      await deleteOldSessions(sql, whose, SESSIONS);
    },
  };
}
