import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openDataDirectory } from "../../../src/platform/open-core.ts";
import type { Store } from "../../../src/platform/store/database.ts";
import { CHUNK, inChunks, withLists } from "../../../src/platform/store/lists.ts";
import { migrate } from "../../../src/platform/store/migrate.ts";
import { DATABASES, DatabaseHost } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

describe.each(DATABASES)("statements with lists on %s", (database) => {
  let store: Store;
  beforeAll(async () => {
    store = await openDataDirectory(await host.fresh(database));
    await migrate(store);
    const names = Array.from({ length: 250 }, (_, i) => `owner-${i}`);
    await store.transaction(async (sql) => {
      await inChunks(names, (chunk) => {
        const rows = chunk.map((name) => [name, "t"]);
        return withLists(sql)`INSERT INTO authority_sets (owner_id, created_at) VALUES ${rows}`;
      });
    });
  });
  afterAll(() => store.close());

  test.each([1, 2, 10, 11, 99, CHUNK])("a list of %i values finds as many rows", async (size) => {
    const ids = Array.from({ length: size }, (_, i) => `owner-${2 * i}`);
    const rows = await withLists(store.read)<{ owner_id: string }>`
      SELECT owner_id FROM authority_sets WHERE created_at = ${"t"} AND owner_id IN (${ids}) AND 1 = ${1}`;
    expect(rows).toHaveLength(size);
    expect(new Set(rows.map((row) => row.owner_id))).toEqual(new Set(ids));
  });

  test("more than fit into one statement go into several, and nothing takes none", async () => {
    const ids = Array.from({ length: 250 }, (_, i) => `owner-${i}`);
    const sizes: number[] = [];
    const rows = await inChunks(ids, (chunk) => {
      sizes.push(chunk.length);
      return withLists(store.read)`SELECT owner_id FROM authority_sets WHERE owner_id IN (${chunk})`;
    });
    expect([rows.length, sizes]).toEqual([250, [100, 100, 50]]);
    expect(await inChunks([], () => Promise.reject(new Error("asked for nothing")))).toEqual([]);
  });

  test("values in lists are bound, never pasted", async () => {
    const hostile = "x') OR 1=1; --";
    const rows = await withLists(store.read)`
      SELECT owner_id FROM authority_sets WHERE owner_id IN (${[hostile, "owner-1"]})`;
    expect(rows).toEqual([{ owner_id: "owner-1" }]);
  });
});
