import type { Migration } from "./migration.ts";

export const relayTunnels: Migration = {
  name: "relay-tunnels",
  statements: [
    `CREATE TABLE relay_leases (
      relay_id TEXT PRIMARY KEY REFERENCES relays (id) ON DELETE CASCADE,
      expires_at TEXT NOT NULL
    )`,
    `CREATE TABLE relay_tunnels (
      relay_id TEXT NOT NULL REFERENCES relays (id) ON DELETE CASCADE,
      gateway_id TEXT NOT NULL REFERENCES gateways (id) ON DELETE CASCADE,
      generation INTEGER NOT NULL,
      since TEXT NOT NULL,
      PRIMARY KEY (relay_id, gateway_id)
    )`,
    "CREATE INDEX relay_tunnels_gateway ON relay_tunnels (gateway_id)",
  ],
};
