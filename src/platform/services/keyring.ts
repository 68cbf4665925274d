import { randomBytes } from "node:crypto";
import { SEALING_KEY_BYTES, seal, unseal } from "../../pki/sealing.ts";
import type { Store } from "../store/database.ts";
import { findInstance, type InstanceRow, insertInstance } from "../store/instance.ts";

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

  private constructor(rootKey: Uint8Array, row: InstanceRow) {
    this.#rootKey = rootKey;
    this.instanceId = row.id;
    verifyRootKey(rootKey, row);
    this.jwtSecret = openText(rootKey, row.sealed_jwt_secret, `jwt-secret/${row.id}`);
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
      rootKeyCheck: sealText(rootKey, Buffer.from("sallyport"), rootKeyCheckContext(id)),
      jwtSecret: sealText(rootKey, randomBytes(64), `jwt-secret/${id}`),
      now: now.toISOString(),
    };
    const row = await store.transaction(async (sql) => {
      await insertInstance(sql, fresh);
      return await findInstance(sql);
    });
    if (!row) throw new Error("The instance row is missing after it was written");
    return new Keyring(rootKey, row);
  }

  /** A key for a new organisation, sealed for its row. */
  newOrganisationKey(orgId: string): string {
    return sealText(this.#rootKey, randomBytes(SEALING_KEY_BYTES), `organisation-key/${orgId}`);
  }

  /** What an organisation's key seals. @throws SallyportError ROOT_KEY_MISMATCH */
  organisation(orgId: string, sealedKey: string): Sealer {
    return new Sealer(openText(this.#rootKey, sealedKey, `organisation-key/${orgId}`));
  }

  /** What belongs to the whole instance. */
  get instance(): Sealer {
    return new Sealer(this.#rootKey);
  }
}

/** @throws SallyportError ROOT_KEY_MISMATCH when the database was sealed under another key */
export function verifyRootKey(rootKey: Uint8Array, row: InstanceRow): void {
  openText(rootKey, row.sealed_root_key_check, rootKeyCheckContext(row.id));
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
