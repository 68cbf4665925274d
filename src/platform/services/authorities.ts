import {
  type AuthorityRecord,
  createInstanceAuthorities,
  createOrganisationAuthorities,
  exportInstanceAuthorities,
  exportOrganisationAuthorities,
  type InstanceAuthorities,
  importInstanceAuthorities,
  importOrganisationAuthorities,
  type OrganisationAuthorities,
} from "../../pki/hierarchy.ts";
import { SallyportError } from "../../telemetry/error.ts";
import {
  type AuthorityRow,
  insertAuthorities,
  listAuthorities,
  listAuthorityOwners,
} from "../store/authorities.ts";
import type { Store } from "../store/database.ts";
import { findOrganisation } from "../store/people.ts";
import type { Keyring, Sealer } from "./keyring.ts";

/** The owner of the instance's own authorities (PROTOCOL A.5). */
export const INSTANCE = "00000000-0000-0000-0000-000000000000";

/**
 * The certificate authorities of the instance and of each organisation: made when first needed, kept sealed in the
 * database, and kept open in memory. Several replicas may make a set at once; the first one written is everybody's.
 */
export class Authorities {
  readonly #store: Store;
  readonly #keyring: Keyring;
  readonly #now: () => Date;
  readonly #organisations = new Map<string, Promise<OrganisationAuthorities>>();
  #instance: Promise<InstanceAuthorities> | undefined;

  constructor(store: Store, keyring: Keyring, now: () => Date) {
    this.#store = store;
    this.#keyring = keyring;
    this.#now = now;
  }

  /** Opens every set that exists, so that the first requests don't wait and a damaged one shows at start. */
  async preload(): Promise<void> {
    for (const owner of await listAuthorityOwners(this.#store.read)) {
      if (owner === INSTANCE) await this.instance();
      else await this.organisation(owner);
    }
  }

  instance(): Promise<InstanceAuthorities> {
    this.#instance ??= this.#openInstance().catch((error: unknown) => {
      this.#instance = undefined;
      throw error;
    });
    return this.#instance;
  }

  /** @throws SallyportError NOT_FOUND when there is no such organisation */
  organisation(orgId: string): Promise<OrganisationAuthorities> {
    const known = this.#organisations.get(orgId);
    if (known !== undefined) return known;
    const opening = this.#openOrganisation(orgId).catch((error: unknown) => {
      this.#organisations.delete(orgId);
      throw error;
    });
    this.#organisations.set(orgId, opening);
    return opening;
  }

  async #openInstance(): Promise<InstanceAuthorities> {
    const sealer = this.#keyring.instance;
    const records = await this.#records(INSTANCE, sealer, async () =>
      exportInstanceAuthorities(await createInstanceAuthorities({ now: this.#now() })),
    );
    return await importInstanceAuthorities(records);
  }

  async #openOrganisation(orgId: string): Promise<OrganisationAuthorities> {
    const organisation = await findOrganisation(this.#store.read, orgId);
    if (!organisation) throw new SallyportError("NOT_FOUND", "There is no such organisation.");
    const sealer = this.#keyring.organisation(orgId, organisation.sealed_key);
    const records = await this.#records(orgId, sealer, async () => {
      const made = await createOrganisationAuthorities(await this.instance(), { orgId, now: this.#now() });
      return await exportOrganisationAuthorities(made);
    });
    return await importOrganisationAuthorities(orgId, records);
  }

  async #records(
    ownerId: string,
    sealer: Sealer,
    make: () => Promise<AuthorityRecord[]>,
  ): Promise<AuthorityRecord[]> {
    const existing = await this.#read(ownerId, sealer);
    if (existing.length > 0) return existing;
    const made = await make();
    const rows = sealAuthorities(ownerId, sealer, made);
    const now = this.#now().toISOString();
    const mine = await this.#store.transaction((sql) => insertAuthorities(sql, ownerId, rows, now));
    return mine ? made : await this.#read(ownerId, sealer);
  }

  async #read(ownerId: string, sealer: Sealer): Promise<AuthorityRecord[]> {
    const rows = await listAuthorities(this.#store.read, ownerId);
    return rows.map((row) => ({
      name: row.name,
      chainPem: row.chain_pem,
      privateKey: sealer.open(row.sealed_key, sealingContext(ownerId, row.name)),
    }));
  }
}

/** As they are stored. An adopted hierarchy takes this way too, before the first one is made. */
export function sealAuthorities(ownerId: string, sealer: Sealer, records: AuthorityRecord[]): AuthorityRow[] {
  return records.map((record) => ({
    name: record.name,
    chain_pem: record.chainPem,
    sealed_key: sealer.seal(record.privateKey, sealingContext(ownerId, record.name)),
  }));
}

function sealingContext(ownerId: string, name: string): string {
  return `authority/${ownerId}/${name}`;
}
