import type { Migration } from "./migration.ts";

/** Names of people, sessions apart from API tokens, invitations, and the failures of logins that all replicas count. */
export const people: Migration = {
  name: "people",
  statements: [
    "ALTER TABLE users ADD COLUMN name TEXT",
    "ALTER TABLE api_tokens ADD COLUMN kind TEXT NOT NULL DEFAULT 'token'",
    "UPDATE api_tokens SET kind = 'session' WHERE expires_at IS NOT NULL",
    `CREATE TABLE invitations (
      id TEXT PRIMARY KEY,
      org_id TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
      email TEXT NOT NULL,
      role TEXT NOT NULL,
      token_hash TEXT NOT NULL UNIQUE,
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL,
      expires_at TEXT NOT NULL,
      UNIQUE (org_id, email)
    )`,
    `CREATE TABLE login_failures (
      key TEXT PRIMARY KEY,
      count INTEGER NOT NULL,
      since TEXT NOT NULL
    )`,
    "CREATE INDEX login_failures_since ON login_failures (since)",
  ],
};
