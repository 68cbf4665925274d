import type { Migration } from "./migration.ts";

export const rootKey: Migration = {
  name: "root-key",
  statements: [
    // Which key it is, without saying anything about the key.
    "ALTER TABLE instance ADD COLUMN root_key_id TEXT",
    "ALTER TABLE instance ADD COLUMN root_key_since TEXT",
    // Platforms that run on this database.
    `CREATE TABLE replicas (
      id TEXT PRIMARY KEY,
      host TEXT NOT NULL,
      process INTEGER NOT NULL,
      started_at TEXT NOT NULL,
      seen_at TEXT NOT NULL
    )`,
  ],
};
