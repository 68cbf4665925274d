import { join } from "node:path";
import { writeFileWhole } from "../../host/atomic-file.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { REVOKED_FILE } from "../identity.ts";
import { readRevocations, renderRevocations } from "../revocation.ts";
import { normalSerial } from "../serial.ts";
import { copiesOf, type Delivery, deliverRevocations } from "./copies.ts";
import type { Desk } from "./desk.ts";
import { type IssuedCertificate, writeLedger } from "./ledger.ts";

export interface Revoked extends Delivery {
  what: string;
  serials: string[];
  gatewayIds: string[];
}

/**
 * Revokes a gateway for good: its id and every certificate it has. Issued again, the name is a new gateway.
 * @throws SallyportError NOT_FOUND, FILE_UNWRITABLE
 */
export async function revokeGateway(desk: Desk, name: string): Promise<Revoked> {
  const gateway = desk.ledger.gateways.find((candidate) => candidate.name === name);
  if (!gateway) throw notFound(`no gateway ${name}`);
  return await revoke(desk, `gateway ${name}`, gateway.certificates, [gateway.id], () => {
    desk.ledger.gateways = desk.ledger.gateways.filter((candidate) => candidate !== gateway);
  });
}

/** Revokes every certificate of a relay. @throws SallyportError NOT_FOUND, FILE_UNWRITABLE */
export async function revokeRelay(desk: Desk, name: string): Promise<Revoked> {
  const relay = desk.ledger.relays.find((candidate) => candidate.name === name);
  if (!relay) throw notFound(`no relay ${name}`);
  return await revoke(desk, `relay ${name}`, relay.certificates, [], () => {
    desk.ledger.relays = desk.ledger.relays.filter((candidate) => candidate !== relay);
  });
}

/** Revokes the client that one of these serials belongs to. @throws SallyportError NOT_FOUND, FILE_UNWRITABLE */
export async function revokeClient(desk: Desk, serial: string): Promise<Revoked> {
  const wanted = normalSerial(serial.replaceAll(":", ""));
  const client = desk.ledger.clients.find(({ certificates }) =>
    certificates.some((certificate) => certificate.serial === wanted),
  );
  if (!client) throw notFound(`no client with the serial ${JSON.stringify(serial.slice(0, 80))}`);
  return await revoke(desk, `client of ${client.gatewayName}`, client.certificates, [], () => {
    desk.ledger.clients = desk.ledger.clients.filter((candidate) => candidate !== client);
  });
}

async function revoke(
  desk: Desk,
  what: string,
  certificates: IssuedCertificate[],
  gatewayIds: string[],
  forget: () => void,
): Promise<Revoked> {
  const serials = certificates.map(({ serial }) => serial);
  const before = await readRevocations(desk.directory);
  const text = renderRevocations({
    serials: new Set([...before.serials, ...serials]),
    gatewayIds: new Set([...before.gatewayIds, ...gatewayIds]),
  });
  const copies = copiesOf(desk.ledger);
  // The list first: killed after it, the ledger still knows the holder and the command can be run again.
  await writeFileWhole(join(desk.directory, REVOKED_FILE), text);
  forget();
  await writeLedger(desk.directory, desk.ledger, desk.now);
  return { what, serials, gatewayIds, ...(await deliverRevocations(copies, text)) };
}

function notFound(what: string): SallyportError {
  return new SallyportError(
    "NOT_FOUND",
    `This CA has issued ${what} that it could revoke: "sallyport ca show" lists what it has issued`,
  );
}
