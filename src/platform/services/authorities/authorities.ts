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
} from "../../../pki/hierarchy.ts";
import { SallyportError } from "../../../telemetry/error.ts";
import {
  type AuthorityRow,
  type GenerationRow,
  insertGeneration,
  lastGeneration,
  listAuthorities,
  listAuthorityOwners,
  listInForce,
  type NewGeneration,
} from "../../store/authorities.ts";
import type { Store } from "../../store/database.ts";
import { findOrganisation } from "../../store/people.ts";
import type { Keyring, Sealer } from "../keys/keyring.ts";
import { INSTANCE, type InForce } from "./in-force.ts";

type AnySet = InstanceAuthorities | OrganisationAuthorities;

/**
 * The certificate authorities of the instance and of each organisation: made when first needed, kept sealed in the
 * database, and kept open in memory. Which of an owner's sets signs and which are trusted is asked of the database each
 * time, so that a rotation counts on every replica at once. Several replicas may make a set at once; the first one
 * written is everybody's.
 */
export class Authorities {
  readonly #store: Store;
  readonly #keyring: Keyring;
  readonly #now: () => Date;
  /** By owner and generation; those that are retired go when their owner is looked at next. */
  readonly #instances = new Map<string, Promise<InstanceAuthorities>>();
  readonly #organisations = new Map<string, Promise<OrganisationAuthorities>>();

  constructor(store: Store, keyring: Keyring, now: () => Date) {
    this.#store = store;
    this.#keyring = keyring;
    this.#now = now;
  }

  /** Opens every set that exists, so that the first requests don't wait and a damaged one shows at start. */
  async preload(): Promise<void> {
    for (const owner of await listAuthorityOwners(this.#store.read)) {
      if (owner === INSTANCE) await this.instanceInForce();
      else await this.organisationInForce(owner);
    }
  }

  /** The set that signs. */
  async instance(): Promise<InstanceAuthorities> {
    return (await this.instanceInForce()).issuing;
  }

  /** The set that signs. @throws SallyportError NOT_FOUND when there is no such organisation */
  async organisation(orgId: string): Promise<OrganisationAuthorities> {
    return (await this.organisationInForce(orgId)).issuing;
  }

  async instanceInForce(): Promise<InForce<InstanceAuthorities>> {
    return await this.#inForce(INSTANCE, this.#instances, {
      open: async (row) =>
        await importInstanceAuthorities(await this.#read(INSTANCE, row.generation, this.#keyring.instance)),
      make: async (generation) => (await this.makeInstance(generation)).set,
    });
  }

  /** @throws SallyportError NOT_FOUND when there is no such organisation */
  async organisationInForce(orgId: string): Promise<InForce<OrganisationAuthorities>> {
    return await this.#inForce(orgId, this.#organisations, {
      open: async ({ generation }) => {
        const records = await this.#read(orgId, generation, await this.#sealerOf(orgId));
        return await importOrganisationAuthorities(orgId, records);
      },
      make: async (generation) => {
        const instance = await this.instanceInForce();
        const parent = { set: instance.issuing, generation: instance.generation };
        return (await this.makeOrganisation(orgId, generation, parent)).set;
      },
    });
  }

  /** A new set of the instance, sealed and not yet written. */
  async makeInstance(generation: number): Promise<Made<InstanceAuthorities>> {
    const opened = await createInstanceAuthorities({ now: this.#now() });
    const records = await exportInstanceAuthorities(opened);
    const rows = sealAuthorities(INSTANCE, generation, this.#keyring.instance, records);
    return { opened, set: { ownerId: INSTANCE, generation, state: "issuing", parent: null, rows } };
  }

  /** A new set of an organisation, under that set of the instance's, sealed and not yet written. */
  async makeOrganisation(
    orgId: string,
    generation: number,
    parent: { set: InstanceAuthorities; generation: number },
  ): Promise<Made<OrganisationAuthorities>> {
    const sealer = await this.#sealerOf(orgId);
    const opened = await createOrganisationAuthorities(parent.set, { orgId, now: this.#now() });
    const rows = sealAuthorities(orgId, generation, sealer, await exportOrganisationAuthorities(opened));
    return {
      opened,
      set: { ownerId: orgId, generation, state: "issuing", parent: parent.generation, rows },
    };
  }

  async #inForce<T extends AnySet>(
    ownerId: string,
    opened: Map<string, Promise<T>>,
    how: { open: (row: GenerationRow) => Promise<T>; make: (generation: number) => Promise<NewGeneration> },
  ): Promise<InForce<T>> {
    const rows = await this.#rows(ownerId, how.make);
    const issuing = rows.find(({ state }) => state === "issuing");
    if (!issuing) throw new SallyportError("INTERNAL", "There are no certificate authorities to issue from.");
    const trusted = await Promise.all(rows.map((row) => this.#opened(ownerId, row, opened, how.open)));
    const signing = await this.#opened(ownerId, issuing, opened, how.open);
    this.#forget(ownerId, rows, opened);
    return {
      issuing: signing,
      trusted: [signing, ...trusted.filter((set) => set !== signing)],
      generation: issuing.generation,
      newest: rows.at(-1)?.generation ?? issuing.generation,
      newestSet: trusted.at(-1) ?? signing,
    };
  }

  /** The first time, and after all were replaced at once, there are none: one replica makes them. */
  async #rows(
    ownerId: string,
    make: (generation: number) => Promise<NewGeneration>,
  ): Promise<GenerationRow[]> {
    const existing = await listInForce(this.#store.read, ownerId);
    if (existing.length > 0) return existing;
    const made = await make((await lastGeneration(this.#store.read, ownerId)) + 1);
    const now = this.#now().toISOString();
    await this.#store.transaction((sql) => insertGeneration(sql, made, now));
    return await listInForce(this.#store.read, ownerId);
  }

  #opened<T>(
    ownerId: string,
    row: GenerationRow,
    opened: Map<string, Promise<T>>,
    open: (row: GenerationRow) => Promise<T>,
  ): Promise<T> {
    const key = keyOf(ownerId, row.generation);
    const known = opened.get(key);
    if (known !== undefined) return known;
    const opening = open(row).catch((error: unknown) => {
      opened.delete(key);
      throw error;
    });
    opened.set(key, opening);
    return opening;
  }

  #forget(ownerId: string, rows: GenerationRow[], opened: Map<string, unknown>): void {
    const oldest = Math.min(...rows.map(({ generation }) => generation));
    for (let old = oldest - 1; opened.delete(keyOf(ownerId, old)); old--);
  }

  async #sealerOf(orgId: string): Promise<Sealer> {
    const organisation = await findOrganisation(this.#store.read, orgId);
    if (!organisation) throw new SallyportError("NOT_FOUND", "There is no such organisation.");
    return this.#keyring.organisation(orgId, organisation.sealed_key);
  }

  async #read(ownerId: string, generation: number, sealer: Sealer): Promise<AuthorityRecord[]> {
    const rows = await listAuthorities(this.#store.read, ownerId, generation);
    return rows.map((row) => ({
      name: row.name,
      chainPem: row.chain_pem,
      privateKey: sealer.open(row.sealed_key, authorityContext(ownerId, generation, row.name)),
    }));
  }
}

export interface Made<T> {
  opened: T;
  /** To be written; its state is to be chosen. */
  set: NewGeneration;
}

/** As they are stored. An adopted hierarchy takes this way too, before the first one is made. */
export function sealAuthorities(
  ownerId: string,
  generation: number,
  sealer: Sealer,
  records: AuthorityRecord[],
): AuthorityRow[] {
  return records.map((record) => ({
    name: record.name,
    chain_pem: record.chainPem,
    sealed_key: sealer.seal(record.privateKey, authorityContext(ownerId, generation, record.name)),
  }));
}

/** What a private key is sealed for. First generations are from before there were others, and named without a number. */
export function authorityContext(ownerId: string, generation: number, name: string): string {
  return generation === 1 ? `authority/${ownerId}/${name}` : `authority/${ownerId}/${generation}/${name}`;
}

function keyOf(ownerId: string, generation: number): string {
  return `${ownerId} ${generation}`;
}
