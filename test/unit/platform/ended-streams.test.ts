import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { EventReader } from "../../support/event-reader.ts";
import { identityToken, makeIdentity } from "../../support/identities.ts";
import { DATABASES, DatabaseHost, type Tenant, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

/** Far less than the 15 s between two comments, with which a stream is looked at anyway. */
const AT_ONCE_MS = 12_000;

describe.each(DATABASES)("open event streams on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let mia: Tenant;
  const as = (method: string, path: string, body?: object, token = acme.token) =>
    platform.call(method, path, { token, body });
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
    mia = await platform.member(acme, "mia");
  });
  afterEach(() => platform.close());

  /** Whose stream goes on, and whose ends. */
  async function ends(token: string, act: () => Promise<{ status: number }>): Promise<void> {
    const other = await platform.tenant("other");
    const [mine, theirs, administrators] = await Promise.all(
      [token, other.token, acme.token].map((one) => EventReader.open(platform, one)),
    );
    for (const reader of [mine, theirs, administrators]) await reader?.next("snapshot");
    expect((await act()).status).toBe(200);
    await mine?.ended;
    // They are told nothing of it, and follow on.
    const { id } = (await as("POST", "/v3/gateways", { name: "office" })).body;
    await as("POST", `/v3/gateways/${id}/revoke`, {});
    await administrators?.next("gateway.revoked");
    expect(administrators?.types).toEqual(["snapshot", "gateway.revoked"]);
    expect(theirs?.types).toEqual(["snapshot"]);
    for (const reader of [theirs, administrators]) await reader?.close();
  }

  test(
    "of somebody who is removed, at once",
    () => ends(mia.token, () => as("DELETE", `/v1/members/${mia.userId}`)),
    AT_ONCE_MS,
  );

  test(
    "of somebody whose role is another, at once",
    () => ends(mia.token, () => as("PATCH", `/v1/members/${mia.userId}`, { role: "no-access" })),
    AT_ONCE_MS,
  );

  test(
    "of somebody whose role has other rights, at once",
    async () => {
      await as("POST", "/v1/roles", { name: "looker", rights: ["list-gateways"] });
      await as("PATCH", `/v1/members/${mia.userId}`, { role: "looker" });
      await ends(mia.token, () => as("PATCH", "/v1/roles/looker", { rights: ["list-relays"] }));
    },
    AT_ONCE_MS,
  );

  test(
    "of a token that is revoked, at once",
    async () => {
      const made = await as("POST", "/v1/auth/tokens", { name: "script" }, mia.token);
      await ends(made.body.token, () =>
        as("DELETE", `/v1/auth/tokens/${made.body.id}`, undefined, mia.token),
      );
    },
    AT_ONCE_MS,
  );

  test(
    "of a machine identity whose secret is revoked, at once",
    async () => {
      const robot = await makeIdentity(platform, acme, "robot");
      const path = `/v1/auth/universal-auth/identities/robot/client-secrets/${robot.secretId}/revoke`;
      await ends(await identityToken(platform, robot), () => as("POST", path, {}));
    },
    AT_ONCE_MS,
  );

  test(
    "of a machine identity that is deleted, at once",
    async () => {
      const robot = await makeIdentity(platform, acme, "robot");
      await ends(await identityToken(platform, robot), () => as("DELETE", "/v1/identities/robot"));
    },
    AT_ONCE_MS,
  );
});
