import type { Migration } from "./migration.ts";

export const identities: Migration = {
  name: "identities",
  statements: [
    `CREATE TABLE identities (
      id TEXT PRIMARY KEY,
      org_id TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      role TEXT NOT NULL,
      client_id TEXT NOT NULL UNIQUE,
      access_token_ttl INTEGER NOT NULL,
      access_token_max_ttl INTEGER NOT NULL,
      created_by TEXT,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL,
      last_login_at TEXT,
      UNIQUE (org_id, name)
    )`,
    `CREATE TABLE identity_secrets (
      id TEXT PRIMARY KEY,
      identity_id TEXT NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
      secret_hash TEXT NOT NULL UNIQUE,
      description TEXT NOT NULL,
      hint TEXT NOT NULL,
      uses_limit INTEGER,
      uses INTEGER NOT NULL DEFAULT 0,
      expires_at TEXT,
      created_by TEXT,
      created_at TEXT NOT NULL,
      last_used_at TEXT
    )`,
    "CREATE INDEX identity_secrets_identity ON identity_secrets (identity_id)",
    // What a gateway or a relay of an identity logged in with last: when that goes, so does its access.
    "ALTER TABLE gateways ADD COLUMN identity_secret_id TEXT",
    "ALTER TABLE relays ADD COLUMN identity_secret_id TEXT",
    "CREATE UNIQUE INDEX relays_identity ON relays (identity_id)",
    "ALTER TABLE issued_certificates ADD COLUMN identity_secret_id TEXT",
    "ALTER TABLE grants ADD COLUMN identity_id TEXT REFERENCES identities (id) ON DELETE CASCADE",
    "CREATE UNIQUE INDEX grants_identity ON grants (resource_id, identity_id)",
  ],
};
