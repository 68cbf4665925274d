import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { LiveSystem } from "../support/live-system.ts";
import { until } from "../support/until.ts";

/** The whole system in one process; how fast it is says `test/bench/revoke.ts`. */
describe("O2 revocation cuts what is open", () => {
  let system: LiveSystem;
  beforeAll(async () => {
    system = await LiveSystem.open();
    // Without reports about tunnels, whose answers would cut as well: this is about the event stream.
    await system.relay("eu-1", { reports: false });
    await system.gateway("office");
    const target = await system.echo();
    await system.admin.resources.create({
      name: "db",
      gatewayName: "office",
      host: "127.0.0.1",
      port: target,
    });
  });
  afterAll(() => system.close());

  const gatewayId = async () =>
    (await system.admin.gateways.list()).find(({ name }) => name === "office")?.id ?? "";

  test("of a person's access: the connection ends, another one may be opened", async () => {
    const open = await system.connect("db");
    expect(await system.admin.grants.revokeAccess("db")).toBeGreaterThan(0);
    await open.closed;
    const again = await system.connect("db");
    again.stream.destroy();
  });

  test("of a gateway: everything through it ends, also while the stream was down, and a new enrolment works", async () => {
    const open = await system.connect("db");
    system.shut();
    await system.admin.gateways.revoke(await gatewayId());
    // The stream is down: that alone cuts nothing.
    open.write("y");
    expect(await open.until(2)).toBe("xy");
    system.reopen();
    await open.closed;
    await expect(system.connect("db")).rejects.toMatchObject({ code: "GATEWAY_REVOKED" });
    await system.gateway("office");
    const again = await system.connect("db");
    again.stream.destroy();
  });

  test("of a grant by its end: the gateway cuts with the platform away", async () => {
    const mia = await system.member("mia");
    const endsAt = new Date(Date.now() + 1500).toISOString();
    await system.admin.grants.create("db", { email: mia.email, endsAt });
    const open = await system.connect("db", mia.client);
    system.shut();
    await open.closed;
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(endsAt));
    system.reopen();
    await expect(system.connect("db", mia.client)).rejects.toMatchObject({ code: "FORBIDDEN" });
  });

  test("of a grant that is taken back: only that person's connection ends", async () => {
    const noah = await system.member("noah");
    await system.admin.grants.create("db", { email: noah.email });
    const [theirs, mine] = [await system.connect("db", noah.client), await system.connect("db")];
    await system.admin.grants.delete("db", { email: noah.email });
    await theirs.closed;
    mine.write("y");
    expect(await mine.until(2)).toBe("xy");
    mine.stream.destroy();
  });

  test("of a relay: it serves nobody any more", async () => {
    const relay = await system.relay("eu-2");
    const [row] = (await system.admin.relays.list()).filter(({ name }) => name === "eu-2");
    await system.admin.relays.revoke(row?.id ?? "");
    expect(await relay.ordered).toBe("revoked");
    await until(() => relay.sessions().length === 0);
  });
});
