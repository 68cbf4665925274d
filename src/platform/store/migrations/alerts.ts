import type { Migration } from "./migration.ts";

export const alerts: Migration = {
  name: "alerts",
  statements: [
    `CREATE TABLE alert_destinations (
      id TEXT PRIMARY KEY,
      org_id TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      kind TEXT NOT NULL,
      url TEXT,
      ca_certificate TEXT,
      sealed_secret TEXT,
      rules TEXT NOT NULL,
      after_seconds INTEGER NOT NULL,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL,
      UNIQUE (org_id, name)
    )`,
    `CREATE TABLE alerts (
      id TEXT PRIMARY KEY,
      org_id TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
      rule TEXT NOT NULL,
      subject_kind TEXT NOT NULL,
      subject_id TEXT NOT NULL,
      subject_name TEXT NOT NULL,
      title TEXT NOT NULL,
      text TEXT NOT NULL,
      fix TEXT NOT NULL,
      began_at TEXT NOT NULL,
      well_since TEXT,
      raised_at TEXT,
      closed_at TEXT
    )`,
    // One alert for each episode, whichever replica sees it first.
    "CREATE UNIQUE INDEX alerts_open ON alerts (org_id, rule, subject_id) WHERE closed_at IS NULL",
    "CREATE INDEX alerts_began ON alerts (org_id, began_at)",
    `CREATE TABLE alert_deliveries (
      id TEXT PRIMARY KEY,
      alert_id TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
      destination_id TEXT NOT NULL REFERENCES alert_destinations (id) ON DELETE CASCADE,
      event TEXT NOT NULL,
      created_at TEXT NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 0,
      next_at TEXT,
      delivered_at TEXT,
      failed_at TEXT,
      last_error TEXT,
      UNIQUE (alert_id, destination_id, event)
    )`,
    "CREATE INDEX alert_deliveries_next ON alert_deliveries (next_at)",
    "CREATE INDEX health_status ON health (status)",
    "CREATE INDEX audit_log_failed_logins ON audit_log (event, created_at)",
  ],
};
