import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { setImmediate } from "node:timers/promises";
import { X509Certificate } from "../../../src/pki/x509.ts";
import { createIdentity } from "../../../src/platform/services/identities/identities.ts";
import { actorOf } from "../../../src/platform/services/login/authentication.ts";
import { invite } from "../../../src/platform/services/people/invitations.ts";
import { changeMember } from "../../../src/platform/services/people/members.ts";
import { createRole } from "../../../src/platform/services/people/roles.ts";
import { EventReader } from "../../support/event-reader.ts";
import { DATABASES, DatabaseHost, type Tenant, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

const serialOf = (pem: string) => new X509Certificate(pem).serialNumber.replace(/^0+/, "");

describe.each(DATABASES)("members and roles on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
  });
  afterEach(() => platform.close());

  const as = (who: Tenant) => (method: string, path: string, body?: unknown) =>
    platform.call(method, path, { token: who.token, body });
  const asAdmin = (method: string, path: string, body?: unknown) => as(acme)(method, path, body);
  const me = async (who: Tenant) => await as(who)("GET", "/v1/auth/me");
  const events = async () =>
    (await platform.core.store.read<{ event: string }>`SELECT event FROM audit_log ORDER BY created_at`).map(
      (row) => row.event,
    );

  /** A member with a role of their own. */
  async function memberWith(name: string, rights: string[]): Promise<Tenant> {
    await asAdmin("POST", "/v1/roles", { name: `${name}-role`, rights });
    const member = await platform.member(acme, name);
    await asAdmin("PATCH", `/v1/members/${member.email}`, { role: `${name}-role` });
    return member;
  }

  describe("roles", () => {
    test("three are built in and stay as they are", async () => {
      const { body } = await asAdmin("GET", "/v1/roles");
      expect(body.map((role: { name: string }) => role.name)).toEqual(["admin", "member", "no-access"]);
      expect(body[2].rights).toEqual([]);
      expect((await asAdmin("PATCH", "/v1/roles/member", { rights: [] })).status).toBe(400);
      expect((await asAdmin("DELETE", "/v1/roles/no-access")).status).toBe(400);
      expect((await asAdmin("POST", "/v1/roles", { name: "admin", rights: [] })).status).toBe(422);
    });

    test("an own one counts from the next request on, is renamed, and goes when nobody has it", async () => {
      const mia = await memberWith("mia", []);
      expect((await as(mia)("GET", "/v2/gateways")).status).toBe(403);
      await asAdmin("PATCH", "/v1/roles/mia-role", { rights: ["list-gateways"], name: "viewer" });
      expect((await as(mia)("GET", "/v2/gateways")).status).toBe(200);
      expect((await me(mia)).body.rights).toEqual(["list-gateways"]);
      const { body } = await asAdmin("GET", "/v1/members");
      expect(
        body.map((one: { email: string; role: { name: string } }) => [one.email, one.role.name]),
      ).toEqual([
        [acme.email, "admin"],
        [mia.email, "viewer"],
      ]);
      expect((await asAdmin("DELETE", "/v1/roles/viewer")).body.message).toContain("given to 1");
      await asAdmin("PATCH", `/v1/members/${mia.userId}`, { role: "member" });
      await asAdmin("POST", "/v1/invitations", { email: "new@example.com", role: "viewer" });
      await asAdmin("POST", "/v1/identities", { name: "robot", role: "viewer" });
      expect((await asAdmin("DELETE", "/v1/roles/viewer")).body.message).toContain("given to 2");
      await asAdmin("DELETE", "/v1/identities/robot");
      const [invitation] = (await asAdmin("GET", "/v1/invitations")).body;
      await asAdmin("DELETE", `/v1/invitations/${invitation.id}`);
      expect((await asAdmin("DELETE", "/v1/roles/viewer")).status).toBe(200);
      expect((await asAdmin("GET", "/v1/roles/viewer")).status).toBe(404);
      expect(await events()).toContain("ROLE_DELETE");
    });

    test("has known rights only and a name of its own", async () => {
      const make = (name: string, rights: string[]) => asAdmin("POST", "/v1/roles", { name, rights });
      expect((await make("a", ["fly"])).status).toBe(422);
      expect((await make("a", ["__proto__"])).status).toBe(422);
      expect((await make("A b", [])).status).toBe(422);
      expect((await make("a", [])).status).toBe(200);
      expect((await make("a", [])).status).toBe(400);
      await make("b", []);
      expect((await asAdmin("PATCH", "/v1/roles/b", { name: "a" })).status).toBe(400);
      const stranger = await platform.tenant("bravo");
      expect((await as(stranger)("PATCH", "/v1/roles/a", { rights: [] })).status).toBe(404);
      expect(
        (await as(stranger)("POST", "/v1/invitations", { email: "x@example.com", role: "a" })).status,
      ).toBe(404);
    });
  });

  describe("privilege escalation", () => {
    const MANAGER = [
      "create-roles",
      "edit-roles",
      "list-roles",
      "create-members",
      "edit-members",
      "delete-members",
    ];

    test("nobody gives a right that they do not have, by a role, a member, an invitation or a machine identity", async () => {
      const boss = await memberWith("boss", [...MANAGER, "create-identities", "edit-identities"]);
      const mia = await platform.member(acme, "mia");
      await asAdmin("PATCH", `/v1/members/${mia.userId}`, { role: "no-access" });
      const call = as(boss);
      const refused = [
        await call("POST", "/v1/roles", { name: "x", rights: ["delete-gateways"] }),
        await call("PATCH", "/v1/roles/boss-role", { rights: [...MANAGER, "delete-gateways"] }),
        await call("PATCH", `/v1/members/${boss.userId}`, { role: "admin" }),
        await call("PATCH", `/v1/members/${mia.userId}`, { role: "admin" }),
        await call("PATCH", `/v1/members/${mia.userId}`, { role: "member" }),
        await call("POST", "/v1/invitations", { email: "x@example.com", role: "admin" }),
        await call("POST", "/v1/identities", { name: "x", role: "admin" }),
      ];
      expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403));
      expect((await call("POST", "/v1/roles", { name: "x", rights: ["edit-roles"] })).status).toBe(200);
      expect((await call("PATCH", `/v1/members/${mia.userId}`, { role: "x" })).status).toBe(200);
      expect((await call("POST", "/v1/invitations", { email: "x@example.com", role: "x" })).status).toBe(200);
    });

    test("nobody changes, removes or weakens who may do more than they may", async () => {
      const boss = await memberWith("boss", MANAGER);
      const mia = await memberWith("mia", ["delete-gateways"]);
      const call = as(boss);
      const refused = [
        await call("PATCH", `/v1/members/${acme.userId}`, { role: "no-access" }),
        await call("DELETE", `/v1/members/${acme.userId}`),
        await call("PATCH", `/v1/members/${mia.userId}`, { role: "no-access" }),
        await call("DELETE", `/v1/members/${mia.userId}`),
        await call("PATCH", "/v1/roles/mia-role", { rights: [] }),
      ];
      expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403));
      expect(refused[0]?.body.message).toContain("the right");
    });

    test("a request that arrives byte by byte counts for what its sender may do when it is whole", async () => {
      const mia = await platform.member(acme, "mia");
      await asAdmin("PATCH", `/v1/members/${mia.userId}`, { role: "admin" });
      const text = JSON.stringify({ email: "again@example.com", role: "admin" });
      const gone = Promise.withResolvers<void>();
      const answer = platform.api.fetch(
        new Request("http://platform.test/api/v1/invitations", {
          method: "POST",
          headers: {
            authorization: `Bearer ${mia.token}`,
            "content-type": "application/json",
            "content-length": String(text.length),
          },
          body: new ReadableStream({
            async pull(controller) {
              controller.enqueue(Buffer.from(text.slice(0, 9)));
              await gone.promise;
              controller.enqueue(Buffer.from(text.slice(9)));
              controller.close();
            },
          }),
        }),
        "192.0.2.1",
      );
      await setImmediate();
      expect((await asAdmin("DELETE", `/v1/members/${mia.userId}`)).status).toBe(200);
      gone.resolve();
      expect((await answer).status).toBe(401);
      expect((await asAdmin("GET", "/v1/invitations")).body).toEqual([]);
    });

    test("who loses a right while their request is under way gives it to nobody any more", async () => {
      const { core } = platform;
      const mia = await platform.member(acme, "mia");
      await asAdmin("PATCH", `/v1/members/${mia.userId}`, { role: "admin" });
      const before = await actorOf(core, mia.token, "192.0.2.1");
      if (before?.kind !== "person") throw new Error("not a person");
      await asAdmin("PATCH", `/v1/members/${mia.userId}`, { role: "member" });
      const widenings = [
        () => changeMember(core, before, mia.userId, { role: "admin" }),
        () => createRole(core, before, { name: "x", rights: ["edit-roles"] }),
        () => invite(core, before, { email: "x@example.com", role: "admin", validForHours: 1 }),
        () =>
          createIdentity(core, before, {
            name: "x",
            role: "admin",
            accessTokenTTL: 60,
            accessTokenMaxTTL: 60,
          }),
      ];
      for (const widen of widenings) {
        await expect(widen()).rejects.toMatchObject({ code: "FORBIDDEN" });
      }
      expect((await me(mia)).body.role).toBe("member");
    });
  });

  describe("the last administrator", () => {
    test("can be neither removed nor demoted, also not by themselves", async () => {
      for (const [method, body] of [
        ["DELETE", undefined],
        ["PATCH", { role: "member" }],
      ] as const) {
        const refused = await asAdmin(method, `/v1/members/${acme.userId}`, body);
        expect([refused.status, refused.body.code]).toEqual([400, "REQUEST_REFUSED"]);
      }
      expect((await asAdmin("PATCH", `/v1/members/${acme.userId}`, { role: "admin" })).status).toBe(200);
      const mia = await platform.member(acme, "mia");
      await asAdmin("PATCH", `/v1/members/${mia.userId}`, { role: "admin" });
      expect((await asAdmin("PATCH", `/v1/members/${acme.userId}`, { role: "member" })).status).toBe(200);
      expect((await asAdmin("PATCH", `/v1/members/${mia.userId}`, { role: "member" })).status).toBe(403);
    });

    test("of two who demote each other at once, one stays", async () => {
      const mia = await platform.member(acme, "mia");
      await asAdmin("PATCH", `/v1/members/${mia.userId}`, { role: "admin" });
      const answers = await Promise.all([
        asAdmin("PATCH", `/v1/members/${mia.userId}`, { role: "no-access" }),
        as(mia)("DELETE", `/v1/members/${acme.userId}`),
      ]);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      const admins = await platform.core.store.read`SELECT user_id FROM memberships WHERE role = 'admin'`;
      expect(admins).toHaveLength(1);
    });
  });

  describe("what is open", () => {
    let relay: { id: string; token: string };
    let reader: EventReader;
    beforeEach(async () => {
      const gateway = await platform.gateway(acme, "office");
      relay = await platform.relay(acme, "eu-1");
      const body = { relayName: "eu-1" };
      await platform.call("POST", "/v3/gateways/connect", { token: gateway.token, body });
      await asAdmin("POST", "/v1/resources", {
        name: "db",
        gatewayName: "office",
        host: "db.internal",
        port: 5432,
      });
      reader = await EventReader.open(platform, relay.token);
      await reader.next("snapshot");
    });
    afterEach(() => reader.close());

    const access = async (who: Tenant) => await as(who)("POST", "/v1/resources/db/access", {});
    const gatewayAccess = async (who: Tenant) =>
      await as(who)("POST", "/v1/gateways/office/access", { targetHost: "db.internal", targetPort: 1 });
    const serialIn = async (answer: { body: { gateway: { clientCertificate: string } } }) =>
      serialOf(answer.body.gateway.clientCertificate);

    test("is cut when its person is removed; tokens, sessions and grants go too, other organisations' stay", async () => {
      const mia = await platform.member(acme, "mia");
      await asAdmin("POST", "/v1/resources/db/grants", { email: mia.email });
      const open = await access(mia);
      const elsewhere = await platform.tenant("elsewhere");
      const there = await platform.join(elsewhere, mia);
      expect((await asAdmin("DELETE", `/v1/members/${mia.email}`)).status).toBe(200);
      expect((await reader.next("access.ended")).body.serials).toContain(await serialIn(open));
      expect((await me(mia)).status).toBe(401);
      expect((await me(there)).status).toBe(200);
      expect((await asAdmin("GET", "/v1/resources/db/grants")).body).toEqual([]);
      expect((await asAdmin("DELETE", `/v1/members/${mia.email}`)).status).toBe(404);
      expect(await events()).toContain("MEMBER_REMOVE");
    });

    test("is cut when a lesser role would not open it again; what a grant opened stays", async () => {
      const mia = await platform.member(acme, "mia");
      await asAdmin("POST", "/v1/resources/db/grants", { email: mia.email });
      const granted = await access(mia);
      await asAdmin("PATCH", `/v1/members/${mia.userId}`, { role: "admin" });
      const [all, anywhere] = [await access(mia), await gatewayAccess(mia)];
      await asAdmin("PATCH", `/v1/members/${mia.userId}`, { role: "member" });
      const first = (await reader.next("access.ended")).body.serials;
      expect(first).toContain(await serialIn(all));
      expect(first).toContain(await serialIn(anywhere));
      expect(first).not.toContain(await serialIn(granted));
      await asAdmin("PATCH", `/v1/members/${mia.userId}`, { role: "no-access" });
      expect((await reader.next("access.ended", 1)).body.serials).toContain(await serialIn(granted));
    });

    test("is cut when the role itself loses the right", async () => {
      const mia = await memberWith("mia", ["connect-resources", "connect-all-resources", "list-resources"]);
      const open = await access(mia);
      expect(open.status).toBe(200);
      await asAdmin("PATCH", "/v1/roles/mia-role", {
        rights: ["connect-resources", "connect-all-resources"],
      });
      await asAdmin("PATCH", "/v1/roles/mia-role", { rights: ["connect-resources"] });
      expect((await reader.next("access.ended")).body.serials).toContain(await serialIn(open));
      expect((await access(mia)).status).toBe(403);
    });

    test("is cut or refused when it is being issued while its person is removed, never forgotten", async () => {
      for (let round = 0; round < 5; round++) {
        const mia = await platform.member(acme, `mia-${round}`);
        await asAdmin("PATCH", `/v1/members/${mia.userId}`, { role: "admin" });
        const [given] = await Promise.all([
          gatewayAccess(mia),
          asAdmin("DELETE", `/v1/members/${mia.userId}`),
        ]);
        if (given.status !== 200) continue;
        const rows = await platform.core.store.read<{ ended_at: string | null }>`
          SELECT ended_at FROM issued_certificates WHERE actor_id = ${mia.userId}`;
        expect(rows.every((row) => row.ended_at !== null)).toBe(true);
      }
    });
  });
});
