import type { Migration } from "./migration.ts";

/** Rotation: an owner has several sets of authorities for a while. The set that was there is its first generation. */
export const authorityGenerations: Migration = {
  name: "authority-generations",
  statements: [
    `CREATE TABLE authority_generations (
      owner_id TEXT NOT NULL REFERENCES authority_sets (owner_id) ON DELETE CASCADE,
      generation INTEGER NOT NULL,
      state TEXT NOT NULL,
      parent INTEGER,
      created_at TEXT NOT NULL,
      PRIMARY KEY (owner_id, generation)
    )`,
    `CREATE TABLE authority_keys (
      owner_id TEXT NOT NULL,
      generation INTEGER NOT NULL,
      name TEXT NOT NULL,
      chain_pem TEXT,
      sealed_key TEXT NOT NULL,
      PRIMARY KEY (owner_id, generation, name),
      FOREIGN KEY (owner_id, generation)
        REFERENCES authority_generations (owner_id, generation) ON DELETE CASCADE
    )`,
    `INSERT INTO authority_generations (owner_id, generation, state, parent, created_at)
      SELECT owner_id, 1, 'issuing',
        CASE WHEN owner_id = '00000000-0000-0000-0000-000000000000' THEN NULL ELSE 1 END, created_at
      FROM authority_sets`,
    `INSERT INTO authority_keys (owner_id, generation, name, chain_pem, sealed_key)
      SELECT owner_id, 1, name, chain_pem, sealed_key FROM authorities`,
    "DROP TABLE authorities",
    `CREATE TABLE authority_rotations (
      owner_id TEXT PRIMARY KEY REFERENCES authority_sets (owner_id) ON DELETE CASCADE,
      phase TEXT NOT NULL,
      old_generation INTEGER NOT NULL,
      new_generation INTEGER NOT NULL,
      started_at TEXT NOT NULL,
      phase_since TEXT NOT NULL,
      due_at TEXT NOT NULL,
      overlap_seconds INTEGER NOT NULL,
      retire_seconds INTEGER
    )`,
    // The newest generation whose certificates a peer has been given to trust, of its organisation and of the instance.
    "ALTER TABLE gateways ADD COLUMN org_trust INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE gateways ADD COLUMN instance_trust INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE relays ADD COLUMN trust INTEGER NOT NULL DEFAULT 0",
  ],
};
