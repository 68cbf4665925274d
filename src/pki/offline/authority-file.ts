import { join } from "node:path";
import { z } from "zod";
import { writeFileWhole } from "../../host/atomic-file.ts";
import { readTextFile } from "../../host/bounded-file.ts";
import { SallyportError } from "../../telemetry/error.ts";
import {
  type AuthorityRecord,
  exportInstanceAuthorities,
  exportOrganisationAuthorities,
  type InstanceAuthorities,
  importInstanceAuthorities,
  importOrganisationAuthorities,
  type OrganisationAuthorities,
} from "../hierarchy.ts";
import type { X509KeyAlgorithm } from "../keys.ts";
import { seal, unseal } from "../sealing.ts";
import type { RetiredAuthority } from "./trust.ts";

/** The whole CA in one file, so that making and rotating it happens at once or not at all. */
export const AUTHORITY_FILE = "authority.json";
const SIZE_LIMIT = 16 * 1024 * 1024;

/** A certificate hierarchy of one organisation that lives in a directory instead of a platform. */
export interface OfflineAuthority {
  orgId: string;
  orgName: string;
  createdAt: string;
  keyType: X509KeyAlgorithm;
  instance: InstanceAuthorities;
  organisation: OrganisationAuthorities;
  /** Issuing authorities before a rotation: still trusted, no longer able to sign. */
  retired: RetiredAuthority[];
}

const record = z.object({
  name: z.string(),
  chainPem: z.string().nullable(),
  /** Sealed, base64. */
  privateKey: z.base64(),
});

const schema = z.object({
  version: z.literal(1),
  orgId: z.uuid(),
  orgName: z.string(),
  createdAt: z.iso.datetime(),
  keyType: z.enum(["ecdsa-p256", "rsa-2048"]),
  instance: z.array(record),
  organisation: z.array(record),
  retired: z.array(
    z.object({
      name: z.string(),
      chainPem: z.string().nullable(),
      publicLine: z.string().nullable(),
      retiredAt: z.iso.datetime(),
    }),
  ),
});

type Stored = z.infer<typeof schema>;
type Level = "instance" | "organisation";

/** @throws SallyportError FILE_UNWRITABLE */
export async function saveAuthority(directory: string, key: Uint8Array, ca: OfflineAuthority): Promise<void> {
  const { orgId, orgName, createdAt, keyType, retired } = ca;
  const sealed = (level: Level, records: AuthorityRecord[]) =>
    records.map(({ name, chainPem, privateKey }) => ({
      name,
      chainPem,
      privateKey: Buffer.from(seal(key, privateKey, context(orgId, level, name))).toString("base64"),
    }));
  const stored: Stored = {
    version: 1,
    orgId,
    orgName,
    createdAt,
    keyType,
    instance: sealed("instance", await exportInstanceAuthorities(ca.instance)),
    organisation: sealed("organisation", await exportOrganisationAuthorities(ca.organisation)),
    retired,
  };
  await writeFileWhole(join(directory, AUTHORITY_FILE), `${JSON.stringify(stored, null, 2)}\n`);
}

/**
 * Opens a CA that `ca init` made.
 * @throws SallyportError NOT_FOUND, FILE_UNREADABLE, CONFIG_INVALID, ROOT_KEY_MISMATCH
 */
export async function openAuthority(directory: string, key: Uint8Array): Promise<OfflineAuthority> {
  const stored = await readStored(directory);
  const { orgId, orgName, createdAt, keyType, retired } = stored;
  const opened = (level: Level): AuthorityRecord[] =>
    stored[level].map(({ name, chainPem, privateKey }) => ({
      name,
      chainPem,
      privateKey: unseal(key, Buffer.from(privateKey, "base64"), context(orgId, level, name)),
    }));
  return {
    orgId,
    orgName,
    createdAt,
    keyType,
    instance: await importInstanceAuthorities(opened("instance")),
    organisation: await importOrganisationAuthorities(orgId, opened("organisation")),
    retired,
  };
}

/** @throws SallyportError NOT_FOUND if there is no CA in the directory */
export async function requireAuthority(directory: string): Promise<void> {
  if (!(await Bun.file(join(directory, AUTHORITY_FILE)).exists())) throw missing(directory);
}

async function readStored(directory: string): Promise<Stored> {
  const path = join(directory, AUTHORITY_FILE);
  const text = await readTextFile(path, SIZE_LIMIT);
  if (text === undefined) throw missing(directory);
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SallyportError("CONFIG_INVALID", `${path} is damaged: restore it from a backup`, { cause });
  }
}

/** What a sealed key is bound to: a blob copied to another slot or another CA does not open. */
function context(orgId: string, level: Level, name: string): string {
  return `the private key of ${level} authority ${name} of organisation ${orgId}`;
}

function missing(directory: string): SallyportError {
  return new SallyportError(
    "NOT_FOUND",
    `${directory} holds no CA: make one with "sallyport ca init --dir ${directory}"`,
  );
}
