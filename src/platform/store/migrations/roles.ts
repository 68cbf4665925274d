import type { Migration } from "./migration.ts";

/** `memberships.role` is a built-in role's name or the id of one of these. `rights` is a JSON array of names. */
export const roles: Migration = {
  name: "roles",
  statements: [
    `CREATE TABLE roles (
      id TEXT PRIMARY KEY,
      org_id TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      rights TEXT NOT NULL,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL,
      UNIQUE (org_id, name)
    )`,
  ],
};
