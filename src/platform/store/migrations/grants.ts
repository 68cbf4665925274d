import type { Migration } from "./migration.ts";

export const grants: Migration = {
  name: "grants",
  statements: [
    `CREATE TABLE grants (
      id TEXT PRIMARY KEY,
      org_id TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
      resource_id TEXT NOT NULL REFERENCES resources (id) ON DELETE CASCADE,
      user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
      ends_at TEXT,
      created_by TEXT,
      created_at TEXT NOT NULL,
      last_used_at TEXT,
      UNIQUE (resource_id, user_id)
    )`,
    "CREATE INDEX grants_ends ON grants (ends_at)",
  ],
};
