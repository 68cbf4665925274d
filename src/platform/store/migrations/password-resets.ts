import type { Migration } from "./migration.ts";

/** Links with which people choose a new password, and when tokens were used last. */
export const passwordResets: Migration = {
  name: "password-resets",
  statements: [
    `CREATE TABLE password_resets (
      user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
      org_id TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
      anywhere INTEGER NOT NULL,
      token_hash TEXT NOT NULL UNIQUE,
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL,
      expires_at TEXT NOT NULL
    )`,
    "ALTER TABLE api_tokens ADD COLUMN last_used_at TEXT",
  ],
};
