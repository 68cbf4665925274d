import { afterAll, expect, test } from "bun:test";
import { readRevocations, renderRevocations } from "../../../src/pki/revocation.ts";
import { Workspace } from "../../support/workspace.ts";

const workspace = await Workspace.open("revocation");
afterAll(() => workspace.close());

const GATEWAY = "6f1c2d3e-0000-4000-8000-000000000002";

test("a missing list revokes nothing", async () => {
  const { serials, gatewayIds } = await readRevocations(await workspace.directory("none"));
  expect(serials.size + gatewayIds.size).toBe(0);
});

test("a list comes back as it was written", async () => {
  const list = { serials: new Set(["ab01", "ssh:18446744073709551615"]), gatewayIds: new Set([GATEWAY]) };
  await workspace.file("full/revoked.json", renderRevocations(list));
  expect(await readRevocations(workspace.join("full"))).toEqual(list);
});

for (const text of [
  "",
  "{}",
  "[]",
  '{"version":1,"serials":["AB01"],"gatewayIds":[]}',
  '{"version":1,"serials":["00ab"],"gatewayIds":[]}',
  '{"version":1,"serials":["ssh:-1"],"gatewayIds":[]}',
  '{"version":1,"serials":[],"gatewayIds":["gw-1"]}',
  '{"version":2,"serials":[],"gatewayIds":[]}',
]) {
  test(`a damaged list is an error and never counts as empty: ${text}`, async () => {
    await workspace.file("damaged/revoked.json", text);
    await expect(readRevocations(workspace.join("damaged"))).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
  });
}
