import { afterAll, describe, expect, test } from "bun:test";
import { rename } from "node:fs/promises";
import { readGatewayDirectory, readRelayDirectory, readRevocations } from "../../../src/pki/directory.ts";
import { revokeClient, revokeGateway, revokeRelay } from "../../../src/pki/offline/revoke.ts";
import { makeOfflineCa } from "../../support/offline-ca.ts";
import { Workspace } from "../../support/workspace.ts";

const workspace = await Workspace.open("revoke");
afterAll(() => workspace.close());

describe("revoking", () => {
  test("a gateway refuses its id and every certificate it has, in every directory on this machine", async () => {
    const ca = await makeOfflineCa(workspace, "gateway");
    const relay = await ca.relay("relay-a");
    const first = await ca.gateway("gateway-a");
    const second = await ca.gateway("gateway-a");
    const revoked = await ca.desk((desk) => revokeGateway(desk, "gateway-a"));

    const list = (await readRelayDirectory(relay.directory)).revocations;
    expect(list?.gatewayIds).toEqual(new Set([first.identity.gatewayId]));
    expect(list?.serials).toEqual(new Set([...first.serials, ...second.serials]));
    expect(revoked.updated.map(({ role }) => role)).toEqual(["relay", "gateway"]);
    expect((await readGatewayDirectory(second.directory)).revocations).toEqual(list);
    expect(await readRevocations(ca.directory)).toMatchObject({ gatewayIds: list?.gatewayIds });
  });

  test("a gateway and issuing its name again makes another gateway, which is not revoked", async () => {
    const ca = await makeOfflineCa(workspace, "reissued");
    await ca.relay("relay-a");
    const old = await ca.gateway("gateway-a");
    await ca.desk((desk) => revokeGateway(desk, "gateway-a"));
    const fresh = await ca.gateway("gateway-a");
    expect(fresh.identity.gatewayId).not.toBe(old.identity.gatewayId);
    const { revocations } = await readGatewayDirectory(fresh.directory);
    expect(revocations?.gatewayIds.has(old.identity.gatewayId)).toBe(true);
    expect(revocations?.gatewayIds.has(fresh.identity.gatewayId)).toBe(false);
    expect(fresh.serials.some((serial) => revocations?.serials.has(serial))).toBe(false);
  });

  test("a client refuses both of its certificates, by either serial in any spelling", async () => {
    const ca = await makeOfflineCa(workspace, "client");
    await ca.relay("relay-a");
    await ca.gateway("gateway-a");
    const { serials } = await ca.client();
    const spelled = `00:${(serials[1] ?? "").toUpperCase()}`;
    const revoked = await ca.desk((desk) => revokeClient(desk, spelled));
    expect(revoked.serials).toEqual(serials);
    expect((await readRevocations(ca.directory)).serials).toEqual(new Set(serials));
  });

  test("a relay refuses its certificates", async () => {
    const ca = await makeOfflineCa(workspace, "relay");
    const { serials } = await ca.relay("relay-a");
    await ca.desk((desk) => revokeRelay(desk, "relay-a"));
    expect((await readRevocations(ca.directory)).serials).toEqual(new Set(serials));
  });

  test("names the directories that are not on this machine, or another's by now", async () => {
    const ca = await makeOfflineCa(workspace, "moved");
    const relay = await ca.relay("relay-a");
    const gateway = await ca.gateway("gateway-a");
    await rename(relay.directory, `${relay.directory}-gone`);
    await rename(gateway.directory, relay.directory);
    const revoked = await ca.desk((desk) => revokeGateway(desk, "gateway-a"));
    expect(revoked.updated).toEqual([]);
    expect(revoked.missed.map(({ role, name }) => `${role} ${name}`)).toEqual([
      "relay relay-a",
      "gateway gateway-a",
    ]);
  });

  test("what was never issued is an error", async () => {
    const ca = await makeOfflineCa(workspace, "never");
    for (const revoke of [revokeGateway, revokeRelay, revokeClient]) {
      await expect(ca.desk((desk) => revoke(desk, "abc"))).rejects.toMatchObject({ code: "NOT_FOUND" });
    }
  });
});
