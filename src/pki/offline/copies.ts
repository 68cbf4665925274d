import { join } from "node:path";
import { writeFileWhole } from "../../host/atomic-file.ts";
import { SallyportError } from "../../telemetry/error.ts";
import {
  CLIENT_FILES,
  GATEWAY_FILES,
  type Identity,
  RELAY_FILES,
  REVOKED_FILE,
  readIdentity,
} from "../identity.ts";
import type { Ledger } from "./ledger.ts";
import type { Trust } from "./trust.ts";

/** A directory that was issued, and whose it is. */
export interface Copy {
  role: Identity["role"];
  /** Name of the relay or gateway; of a client, the gateway's. */
  name: string;
  id: string;
  directory: string;
}

/** Which issued directories on this machine have the new files, and which have to get them by hand. */
export interface Delivery {
  updated: Copy[];
  missed: Copy[];
}

/** Every directory that was issued. */
export function copiesOf(ledger: Ledger): Copy[] {
  return [
    ...ledger.relays.map(({ name, id, directory }): Copy => ({ role: "relay", name, id, directory })),
    ...ledger.gateways.map(({ name, id, directory }): Copy => ({ role: "gateway", name, id, directory })),
    ...ledger.clients.map(
      ({ gatewayName, id, directory }): Copy => ({ role: "client", name: gatewayName, id, directory }),
    ),
  ];
}

/** Puts `revoked.json` into the directories of relays and gateways; clients have none. */
export async function deliverRevocations(copies: Copy[], text: string): Promise<Delivery> {
  const daemons = copies.filter(({ role }) => role !== "client");
  return await deliver(daemons, () => ({ [REVOKED_FILE]: text }));
}

/** Puts the present trust anchors into every directory. Certificates and keys stay as they are. */
export async function deliverTrust(copies: Copy[], trust: Trust): Promise<Delivery> {
  return await deliver(copies, ({ role }) => trustFiles(role, trust));
}

function trustFiles(role: Identity["role"], trust: Trust): Record<string, string> {
  if (role === "relay") {
    return {
      [RELAY_FILES.clientAuthorities]: trust.relayClient,
      [RELAY_FILES.userAuthorities]: `${trust.sshClient.join("\n")}\n`,
    };
  }
  if (role === "gateway") {
    return {
      [GATEWAY_FILES.clientAuthorities]: trust.gatewayClient,
      [GATEWAY_FILES.hostAuthorities]: `${trust.sshServer.join("\n")}\n`,
    };
  }
  return {
    [CLIENT_FILES.relayAuthorities]: trust.relayServer,
    [CLIENT_FILES.gatewayAuthorities]: trust.gatewayServer,
  };
}

async function deliver(copies: Copy[], filesOf: (copy: Copy) => Record<string, string>): Promise<Delivery> {
  const delivery: Delivery = { updated: [], missed: [] };
  for (const copy of copies) {
    const done = await deliverOne(copy, filesOf(copy));
    (done ? delivery.updated : delivery.missed).push(copy);
  }
  return delivery;
}

/** False when the directory is not on this machine, is another's by now, or can't be written: the caller names it. */
async function deliverOne(copy: Copy, files: Record<string, string>): Promise<boolean> {
  try {
    const identity = await readIdentity(copy.directory);
    if (!identity || idOf(identity) !== copy.id) return false;
    for (const [name, content] of Object.entries(files)) {
      await writeFileWhole(join(copy.directory, name), content);
    }
    return true;
  } catch (error) {
    if (error instanceof SallyportError) return false;
    throw error;
  }
}

function idOf(identity: Identity): string {
  if (identity.role === "relay") return identity.relayId;
  return identity.role === "gateway" ? identity.gatewayId : identity.clientId;
}
