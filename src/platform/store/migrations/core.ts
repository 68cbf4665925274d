import type { Migration } from "./migration.ts";

export const core: Migration = {
  name: "core",
  statements: [
    `CREATE TABLE instance (
      singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
      id TEXT NOT NULL,
      sealed_root_key_check TEXT NOT NULL,
      sealed_jwt_secret TEXT NOT NULL,
      setup_token_hash TEXT,
      created_at TEXT NOT NULL
    )`,
    `CREATE TABLE organisations (
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      sealed_key TEXT NOT NULL,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL
    )`,
    `CREATE TABLE users (
      id TEXT PRIMARY KEY,
      email TEXT NOT NULL UNIQUE,
      password_hash TEXT,
      instance_admin INTEGER NOT NULL DEFAULT 0,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL
    )`,
    `CREATE TABLE memberships (
      user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
      org_id TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
      role TEXT NOT NULL,
      created_at TEXT NOT NULL,
      PRIMARY KEY (user_id, org_id)
    )`,
    `CREATE TABLE api_tokens (
      id TEXT PRIMARY KEY,
      user_id TEXT NOT NULL,
      org_id TEXT NOT NULL,
      name TEXT NOT NULL,
      token_hash TEXT NOT NULL UNIQUE,
      created_at TEXT NOT NULL,
      expires_at TEXT,
      FOREIGN KEY (user_id, org_id) REFERENCES memberships (user_id, org_id) ON DELETE CASCADE
    )`,
    `CREATE TABLE relays (
      id TEXT PRIMARY KEY,
      org_id TEXT REFERENCES organisations (id) ON DELETE CASCADE,
      identity_id TEXT,
      name TEXT NOT NULL,
      host TEXT NOT NULL,
      ssh_port INTEGER,
      tls_port INTEGER,
      heartbeat TEXT,
      health_alerted_at TEXT,
      token_version INTEGER NOT NULL DEFAULT 0,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL
    )`,
    "CREATE UNIQUE INDEX relays_name ON relays (COALESCE(org_id, ''), name)",
    `CREATE TABLE gateways (
      id TEXT PRIMARY KEY,
      org_id TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
      identity_id TEXT UNIQUE,
      name TEXT NOT NULL,
      relay_id TEXT REFERENCES relays (id) ON DELETE SET NULL,
      heartbeat TEXT,
      heartbeat_ttl INTEGER,
      health_alerted_at TEXT,
      capabilities TEXT,
      token_version INTEGER NOT NULL DEFAULT 0,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL,
      UNIQUE (org_id, name)
    )`,
    `CREATE TABLE gateway_relays (
      gateway_id TEXT NOT NULL REFERENCES gateways (id) ON DELETE CASCADE,
      relay_id TEXT NOT NULL REFERENCES relays (id) ON DELETE CASCADE,
      position INTEGER NOT NULL,
      PRIMARY KEY (gateway_id, relay_id)
    )`,
    "CREATE INDEX gateway_relays_relay ON gateway_relays (relay_id)",
    `CREATE TABLE auth_methods (
      id TEXT PRIMARY KEY,
      gateway_id TEXT UNIQUE REFERENCES gateways (id) ON DELETE CASCADE,
      relay_id TEXT UNIQUE REFERENCES relays (id) ON DELETE CASCADE,
      method TEXT NOT NULL,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL,
      CHECK ((gateway_id IS NULL) <> (relay_id IS NULL))
    )`,
    `CREATE TABLE enrollment_tokens (
      id TEXT PRIMARY KEY,
      org_id TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
      auth_method_id TEXT NOT NULL UNIQUE REFERENCES auth_methods (id) ON DELETE CASCADE,
      token_hash TEXT NOT NULL UNIQUE,
      ttl INTEGER NOT NULL,
      expires_at TEXT NOT NULL,
      created_at TEXT NOT NULL
    )`,
    `CREATE TABLE authority_sets (
      owner_id TEXT PRIMARY KEY,
      created_at TEXT NOT NULL
    )`,
    `CREATE TABLE authorities (
      owner_id TEXT NOT NULL REFERENCES authority_sets (owner_id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      chain_pem TEXT,
      sealed_key TEXT NOT NULL,
      PRIMARY KEY (owner_id, name)
    )`,
    `CREATE TABLE resources (
      id TEXT PRIMARY KEY,
      org_id TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
      gateway_id TEXT NOT NULL REFERENCES gateways (id),
      name TEXT NOT NULL,
      host TEXT NOT NULL,
      port INTEGER NOT NULL,
      kind TEXT NOT NULL,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL,
      UNIQUE (org_id, name)
    )`,
    "CREATE INDEX resources_gateway ON resources (gateway_id)",
    `CREATE TABLE issued_certificates (
      serial TEXT NOT NULL,
      profile TEXT NOT NULL,
      org_id TEXT,
      gateway_id TEXT,
      relay_id TEXT,
      resource_id TEXT,
      actor_type TEXT NOT NULL,
      actor_id TEXT,
      target TEXT,
      issued_at TEXT NOT NULL,
      not_after TEXT NOT NULL,
      PRIMARY KEY (serial, profile)
    )`,
    "CREATE INDEX issued_certificates_not_after ON issued_certificates (not_after)",
    "CREATE INDEX issued_certificates_gateway ON issued_certificates (gateway_id)",
    `CREATE TABLE audit_log (
      id TEXT PRIMARY KEY,
      org_id TEXT,
      created_at TEXT NOT NULL,
      event TEXT NOT NULL,
      actor_type TEXT NOT NULL,
      actor_id TEXT,
      actor_name TEXT,
      address TEXT,
      detail TEXT NOT NULL
    )`,
    "CREATE INDEX audit_log_org ON audit_log (org_id, created_at)",
  ],
};
