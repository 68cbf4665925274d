import type { Sql } from "./database.ts";

export interface AuthorityRow {
  name: string;
  chain_pem: string | null;
  sealed_key: string;
}

/**
 * What a set of authorities is there for: `next` is trusted and does not sign yet, `issuing` signs, `retiring` is
 * trusted and signs no more. Of a `retired` one nothing is left but its number.
 */
export type GenerationState = "next" | "issuing" | "retiring" | "retired";

export interface GenerationRow {
  generation: number;
  state: GenerationState;
  /** Of an organisation's set: the generation of the instance's that its relay authorities are under. */
  parent: number | null;
  created_at: string;
}

/** The sets of an owner that are trusted, oldest first; none = not made yet, or replaced at once. */
export async function listInForce(sql: Sql, ownerId: string): Promise<GenerationRow[]> {
  return await sql<GenerationRow>`
    SELECT generation, state, parent, created_at FROM authority_generations
    WHERE owner_id = ${ownerId} AND state <> 'retired' ORDER BY generation`;
}

/** The newest number that was ever given; 0 = none. */
export async function lastGeneration(sql: Sql, ownerId: string): Promise<number> {
  const [row] = await sql<{ last: number }>`
    SELECT CAST(COALESCE(MAX(generation), 0) AS INTEGER) AS last FROM authority_generations
    WHERE owner_id = ${ownerId}`;
  return row?.last ?? 0;
}

export async function listAuthorities(
  sql: Sql,
  ownerId: string,
  generation: number,
): Promise<AuthorityRow[]> {
  return await sql<AuthorityRow>`
    SELECT name, chain_pem, sealed_key FROM authority_keys
    WHERE owner_id = ${ownerId} AND generation = ${generation} ORDER BY name`;
}

export async function listAuthorityOwners(sql: Sql): Promise<string[]> {
  const rows = await sql<{ owner_id: string }>`SELECT owner_id FROM authority_sets ORDER BY owner_id`;
  return rows.map((row) => row.owner_id);
}

export interface NewGeneration {
  ownerId: string;
  generation: number;
  state: "next" | "issuing";
  parent: number | null;
  rows: AuthorityRow[];
}

/** False, and nothing written, when there is such a generation already: the first one made is everybody's. */
export async function insertGeneration(sql: Sql, set: NewGeneration, now: string): Promise<boolean> {
  const { ownerId, generation, state, parent, rows } = set;
  await sql`
    INSERT INTO authority_sets (owner_id, created_at) VALUES (${ownerId}, ${now}) ON CONFLICT DO NOTHING`;
  const made = await sql`
    INSERT INTO authority_generations (owner_id, generation, state, parent, created_at)
    VALUES (${ownerId}, ${generation}, ${state}, ${parent}, ${now})
    ON CONFLICT DO NOTHING RETURNING generation`;
  if (made.length === 0) return false;
  for (const row of rows) {
    await sql`
      INSERT INTO authority_keys (owner_id, generation, name, chain_pem, sealed_key)
      VALUES (${ownerId}, ${generation}, ${row.name}, ${row.chain_pem}, ${row.sealed_key})`;
  }
  return true;
}

/** False when it was in another state. */
export async function changeState(
  sql: Sql,
  set: { ownerId: string; generation: number; from: GenerationState; to: GenerationState },
): Promise<boolean> {
  const changed = await sql`
    UPDATE authority_generations SET state = ${set.to}
    WHERE owner_id = ${set.ownerId} AND generation = ${set.generation} AND state = ${set.from}
    RETURNING generation`;
  return changed.length === 1;
}

/** Takes a set out of every bundle, and its private keys out of the world. */
export async function retireGeneration(sql: Sql, ownerId: string, generation: number): Promise<void> {
  await sql`
    UPDATE authority_generations SET state = 'retired'
    WHERE owner_id = ${ownerId} AND generation = ${generation}`;
  await sql`DELETE FROM authority_keys WHERE owner_id = ${ownerId} AND generation = ${generation}`;
}

/** The same for every set that there is: of one owner, or of all. */
export async function retireEverything(sql: Sql, ownerId: string | null): Promise<void> {
  await sql`
    UPDATE authority_generations SET state = 'retired'
    WHERE owner_id = ${ownerId} OR CAST(${ownerId} AS TEXT) IS NULL`;
  await sql`DELETE FROM authority_keys WHERE owner_id = ${ownerId} OR CAST(${ownerId} AS TEXT) IS NULL`;
}

/** Organisations whose issuing set is not under this generation of the instance's. */
export async function listOrganisationsNotUnder(
  sql: Sql,
  instance: { ownerId: string; generation: number },
): Promise<string[]> {
  const rows = await sql<{ owner_id: string }>`
    SELECT DISTINCT owner_id FROM authority_generations
    WHERE owner_id <> ${instance.ownerId} AND state <> 'retired'
      AND COALESCE(parent, 0) <> ${instance.generation} ORDER BY owner_id`;
  return rows.map((row) => row.owner_id);
}

/** Of every generation. */
export async function listEveryAuthorityKey(
  sql: Sql,
  ownerId: string,
): Promise<(AuthorityRow & { generation: number })[]> {
  return await sql<AuthorityRow & { generation: number }>`
    SELECT generation, name, chain_pem, sealed_key FROM authority_keys WHERE owner_id = ${ownerId}`;
}

export async function storeSealedAuthority(
  sql: Sql,
  ownerId: string,
  row: { generation: number; name: string; sealed_key: string },
): Promise<void> {
  await sql`
    UPDATE authority_keys SET sealed_key = ${row.sealed_key}
    WHERE owner_id = ${ownerId} AND generation = ${row.generation} AND name = ${row.name}`;
}
