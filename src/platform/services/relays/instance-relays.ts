import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import type { Sql } from "../../store/database.ts";
import { insertIssued } from "../../store/issued-certificates.ts";
import {
  countRelays,
  findAnyInstanceRelay,
  findInstanceRelay,
  insertRelay,
  type RelayRow,
  storeRelayTrust,
} from "../../store/relays.ts";
import { DEFAULT_SSH_PORT, DEFAULT_TLS_PORT } from "../authorities/issuing.ts";
import { type Core, LIMITS } from "../core.ts";
import { noteConnect } from "../health/connect.ts";
import { certify, type RelayConnectAnswer, type RelayConnectRequest } from "./relay-connect.ts";
import { requireFreeHost } from "./relay-hosts.ts";

type Place = Pick<RelayRow, "host" | "ssh_port" | "tls_port">;

/**
 * Registers a relay that holds the shared secret, or renews its certificates (PROTOCOL A.2, v1). The secret is not
 * bound to one relay, so it can't move one: a known name with another host or port is refused, whoever asks, and so is
 * the name of a relay that was enrolled by a token of its own (ACCEPTANCE B11). An instance administrator moves it with PATCH, or deletes it.
 * @throws SallyportError CONFLICT, also for the host of such a relay, LIMIT_REACHED, REQUEST_INVALID
 */
export async function registerInstanceRelay(
  core: Core,
  request: RelayConnectRequest & { name: string; host: string },
  address: string,
): Promise<Omit<RelayConnectAnswer, "relayId">> {
  const wanted: Place = {
    host: core.hostRule.normalise(request.host),
    ssh_port: request.sshPort ?? null,
    tls_port: request.tlsPort ?? null,
  };
  const { name: _name, host: _host, ...extensions } = request;
  const existing = await findInstanceRelay(core.store.read, request.name);
  const named = existing ?? (await findAnyInstanceRelay(core.store.read, request.name));
  if (!named) await core.hostRule.admit(wanted.host);
  else if (!existing || !isSame(existing, wanted)) await refuse(core, named, wanted, address);
  const now = core.now().toISOString();
  const relay: RelayRow = existing ?? {
    id: crypto.randomUUID(),
    org_id: null,
    identity_id: null,
    name: request.name,
    ...wanted,
    heartbeat: null,
    health_alerted_at: null,
    auto_select: 1,
    token_version: 0,
    created_at: now,
    updated_at: now,
  };
  const { answer, issued, trusts } = await certify(core, relay, extensions);
  await core.store.transaction(async (sql) => {
    if (!existing) await create(sql, relay, address, now);
    await storeRelayTrust(sql, relay.id, trusts);
    await insertIssued(sql, issued, now);
    await noteConnect(sql, { relayId: relay.id }, issued, core.now());
  });
  const { relayId: _relayId, ...rest } = answer;
  return rest;
}

async function create(sql: Sql, relay: RelayRow, address: string, now: string): Promise<void> {
  await requireFreeHost(sql, null, relay.host);
  if ((await countRelays(sql, null)) >= LIMITS.relays) {
    throw new SallyportError("LIMIT_REACHED", `There can be at most ${LIMITS.relays} instance relays.`);
  }
  const made = await insertRelay(sql, {
    id: relay.id,
    orgId: null,
    name: relay.name,
    host: relay.host,
    sshPort: relay.ssh_port,
    tlsPort: relay.tls_port,
    authMethodId: null,
    now,
  });
  if (!made) throw taken(relay.name);
  await insertAudit(
    sql,
    {
      orgId: null,
      event: "RELAY_REGISTER",
      actor: { type: "relay", id: relay.id, name: relay.name },
      address,
      detail: { name: relay.name, host: relay.host },
    },
    now,
  );
}

/** Somebody holds the secret who should not, or a relay was moved without its administrator: worth a trace. */
async function refuse(core: Core, existing: RelayRow, wanted: Place, address: string): Promise<never> {
  const { id, name, host } = existing;
  const detail = { name, host, wanted: placeOf(wanted) };
  const actor = { type: "relay", id, name } as const;
  const entry = { orgId: null, event: "RELAY_REGISTER_REFUSED", actor, address, detail } as const;
  await core.store.transaction((sql) => insertAudit(sql, entry, core.now().toISOString()));
  core.log.warn("The shared secret was used to move an instance relay; refused", { relay: name, address });
  throw taken(name);
}

function isSame(existing: Place, wanted: Place): boolean {
  return placeOf(existing) === placeOf(wanted);
}

function placeOf({ host, ssh_port, tls_port }: Place): string {
  return [host, ssh_port ?? DEFAULT_SSH_PORT, tls_port ?? DEFAULT_TLS_PORT].join(" ");
}

function taken(name: string): SallyportError {
  return new SallyportError(
    "CONFLICT",
    `The instance relay ${name} is registered with another host or other ports, or has credentials of its own: the shared secret can't take its place. Choose another name, or have an instance administrator delete it.`,
  );
}
