import type { Migration } from "./migration.ts";

export const authMethods: Migration = {
  name: "auth-methods",
  statements: [
    // `revision` is another one after every change: a login that was judged by older settings is none.
    `CREATE TABLE auth_method_settings (
      auth_method_id TEXT PRIMARY KEY REFERENCES auth_methods (id) ON DELETE CASCADE,
      settings TEXT NOT NULL,
      sealed_reviewer_jwt TEXT,
      revision TEXT NOT NULL
    )`,
    `CREATE TABLE spent_signatures (
      signature_hash TEXT NOT NULL,
      resource_id TEXT NOT NULL,
      expires_at TEXT NOT NULL,
      PRIMARY KEY (signature_hash, resource_id)
    )`,
    "CREATE INDEX spent_signatures_expires ON spent_signatures (expires_at)",
  ],
};
