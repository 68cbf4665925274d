import { join } from "node:path";
import { z } from "zod";
import { writeFileWhole } from "../../host/atomic-file.ts";
import { readTextFile } from "../../host/bounded-file.ts";
import { SallyportError } from "../../telemetry/error.ts";

/** Whom the CA has issued to, so that it can issue again, revoke and say what has to follow a rotation. */
export const LEDGER_FILE = "ledger.json";
const SIZE_LIMIT = 32 * 1024 * 1024;

const certificate = z.object({
  /** Hex for X.509, `ssh:<decimal>` for SSH. */
  serial: z.string(),
  issuedAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
});

const relayRef = z.object({ relayName: z.string(), host: z.string(), sshPort: z.number().int() });

const common = {
  /** Every certificate of the holder that has not expired. */
  certificates: z.array(certificate),
  /** Where the directory was written; it may since have moved to another machine. */
  directory: z.string(),
};

const relay = z.object({
  ...common,
  id: z.uuid(),
  name: z.string(),
  host: z.string(),
  sshPort: z.number().int(),
  tlsPort: z.number().int(),
});

const gateway = z.object({
  ...common,
  id: z.uuid(),
  name: z.string(),
  /** Grows with each issue, so that a relay prefers the newest (EXTENSIONS X3). */
  generation: z.number().int(),
  relays: z.array(relayRef),
});

const client = z.object({
  ...common,
  id: z.uuid(),
  gatewayId: z.uuid(),
  gatewayName: z.string(),
  target: z.object({ host: z.string(), port: z.number().int() }),
});

const schema = z.object({
  version: z.literal(1),
  relays: z.array(relay),
  gateways: z.array(gateway),
  clients: z.array(client),
});

export type Ledger = z.infer<typeof schema>;
export type IssuedCertificate = z.infer<typeof certificate>;
export type IssuedRelay = z.infer<typeof relay>;
export type IssuedGateway = z.infer<typeof gateway>;

/** @throws SallyportError FILE_UNREADABLE, CONFIG_INVALID */
export async function readLedger(directory: string): Promise<Ledger> {
  const path = join(directory, LEDGER_FILE);
  const text = await readTextFile(path, SIZE_LIMIT);
  if (text === undefined) return { version: 1, relays: [], gateways: [], clients: [] };
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SallyportError("CONFIG_INVALID", `${path} is damaged: restore it from a backup`, { cause });
  }
}

/** Writes it without what has expired: a client is gone then, a relay or a gateway stays known by its id. */
export async function writeLedger(directory: string, ledger: Ledger, now: Date): Promise<void> {
  const pruned = <T extends { certificates: IssuedCertificate[] }>(entries: T[]) =>
    entries.map((entry) => ({ ...entry, certificates: unexpired(entry.certificates, now) }));
  const kept: Ledger = {
    version: 1,
    relays: pruned(ledger.relays),
    gateways: pruned(ledger.gateways),
    clients: pruned(ledger.clients).filter(({ certificates }) => certificates.length > 0),
  };
  await writeFileWhole(join(directory, LEDGER_FILE), `${JSON.stringify(kept, null, 2)}\n`);
}

/** When the last of them ends; undefined if nothing is valid any more. */
export function validUntil(certificates: IssuedCertificate[], now: Date): Date | undefined {
  const ends = unexpired(certificates, now).map(({ expiresAt }) => Date.parse(expiresAt));
  return ends.length > 0 ? new Date(Math.max(...ends)) : undefined;
}

function unexpired(certificates: IssuedCertificate[], now: Date): IssuedCertificate[] {
  return certificates.filter(({ expiresAt }) => Date.parse(expiresAt) > now.getTime());
}
