import { createHash, randomBytes } from "node:crypto";
import { SEALING_KEY_BYTES, seal, unseal } from "../../../pki/sealing.ts";
import { SallyportError } from "../../../telemetry/error.ts";
import type { Store } from "../../store/database.ts";
import { findInstance, type InstanceRow, insertInstance } from "../../store/instance.ts";

/**
 * What the root key opens. Every sealed value names what it is and whose, so that it opens in its own row only; text
 * columns hold it as base64.
 */
export class Keyring {
  /** The platform's id. */
  readonly instanceId: string;
  /** Signs access tokens (PROTOCOL B). */
  readonly jwtSecret: Uint8Array;
  readonly #rootKey: Uint8Array;
  #outdated = false;

  private constructor(rootKey: Uint8Array, row: InstanceRow) {
    this.#rootKey = rootKey;
    this.instanceId = row.id;
    verifyRootKey(rootKey, row);
    this.jwtSecret = openText(rootKey, row.sealed_jwt_secret, jwtSecretContext(row.id));
  }

  /**
   * At the first start this makes the instance, once, however many replicas start together.
   * @throws SallyportError ROOT_KEY_MISMATCH when the database was sealed under another key
   */
  static async open(store: Store, rootKey: Uint8Array, now: Date): Promise<Keyring> {
    const existing = await findInstance(store.read);
    if (existing) return new Keyring(rootKey, existing);
    const id = crypto.randomUUID();
    const fresh = {
      id,
      rootKeyCheck: sealRootKeyCheck(rootKey, id),
      rootKeyId: rootKeyId(rootKey),
      jwtSecret: sealText(rootKey, randomBytes(64), jwtSecretContext(id)),
      now: now.toISOString(),
    };
    const row = await store.transaction(async (sql) => {
      await insertInstance(sql, fresh);
      return await findInstance(sql);
    });
    if (!row) throw new Error("The instance row is missing after it was written");
    return new Keyring(rootKey, row);
  }

  /** @throws SallyportError ROOT_KEY_MISMATCH when it is no longer the key of the database */
  verify(row: InstanceRow): void {
    verifyRootKey(this.#rootKey, row);
  }

  /** Whether this is still the key of the database. */
  opens(row: InstanceRow): boolean {
    return opensWith(this.#rootKey, row);
  }

  /** The root key was rotated: from now on nothing is sealed under this one, which nobody could open. */
  retire(): void {
    this.#outdated = true;
  }

  /** A key for a new organisation, sealed for its row. @throws SallyportError ROOT_KEY_MISMATCH when retired */
  newOrganisationKey(orgId: string): string {
    return sealText(this.#key(), randomBytes(SEALING_KEY_BYTES), organisationKeyContext(orgId));
  }

  /** What an organisation's key seals. @throws SallyportError ROOT_KEY_MISMATCH */
  organisation(orgId: string, sealedKey: string): Sealer {
    return new Sealer(openText(this.#key(), sealedKey, organisationKeyContext(orgId)));
  }

  /** What belongs to the whole instance. */
  get instance(): Sealer {
    return new Sealer(this.#key());
  }

  #key(): Uint8Array {
    if (!this.#outdated) return this.#rootKey;
    throw new SallyportError(
      "ROOT_KEY_MISMATCH",
      "The root key was rotated while this platform was not looking: start it again with the new one.",
    );
  }
}

/** @throws SallyportError ROOT_KEY_MISMATCH, which names both keys, when the database was sealed under another one */
export function verifyRootKey(rootKey: Uint8Array, row: InstanceRow): void {
  if (opensWith(rootKey, row)) return;
  const wanted = row.root_key_id ? `, but the key ${row.root_key_id} since ${row.root_key_since}` : "";
  throw new SallyportError(
    "ROOT_KEY_MISMATCH",
    `The root key ${rootKeyId(rootKey)} is not the one that this database is sealed under${wanted}: give the key that belongs to it.`,
  );
}

export function opensWith(rootKey: Uint8Array, row: InstanceRow): boolean {
  try {
    openText(rootKey, row.sealed_root_key_check, rootKeyCheckContext(row.id));
    return true;
  } catch (error) {
    if (error instanceof SallyportError && error.code === "ROOT_KEY_MISMATCH") return false;
    throw error;
  }
}

/** Tells keys apart, and says nothing about them. */
export function rootKeyId(rootKey: Uint8Array): string {
  return createHash("sha256").update("sallyport root key").update(rootKey).digest("hex").slice(0, 12);
}

/** Opens only with the key that sealed it. */
export function sealRootKeyCheck(rootKey: Uint8Array, instanceId: string): string {
  return sealText(rootKey, Buffer.from("sallyport"), rootKeyCheckContext(instanceId));
}

export function jwtSecretContext(instanceId: string): string {
  return `jwt-secret/${instanceId}`;
}

export function organisationKeyContext(orgId: string): string {
  return `organisation-key/${orgId}`;
}

/** Seals and opens under one key. */
export class Sealer {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  seal(plaintext: Uint8Array, context: string): string {
    return sealText(this.#key, plaintext, context);
  }

  /** @throws SallyportError ROOT_KEY_MISMATCH */
  open(sealed: string, context: string): Uint8Array {
    return openText(this.#key, sealed, context);
  }
}

function rootKeyCheckContext(instanceId: string): string {
  return `the database's root key check of ${instanceId}`;
}

function sealText(key: Uint8Array, plaintext: Uint8Array, context: string): string {
  return Buffer.from(seal(key, plaintext, context)).toString("base64");
}

function openText(key: Uint8Array, sealed: string, context: string): Uint8Array {
  return unseal(key, Buffer.from(sealed, "base64"), context);
}
