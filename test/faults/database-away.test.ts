import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { bootstrapPlatform } from "../../src/platform/bootstrap-platform.ts";
import { type Platform, startPlatform } from "../../src/platform/platform.ts";
import { PlatformClient } from "../../src/platform-client/client.ts";
import { EventStreamParser, type ServerSentEvent } from "../../src/platform-client/sse.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";
import { TcpGate } from "../support/tcp-gate.ts";
import { until } from "../support/until.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(60_000);

let workspace: Workspace;
let postgres: Postgres;
/** Between one replica and the database; the other replica is always there. */
let gate: TcpGate;
let cutOff: Platform;
let other: Platform;
let token: string;

beforeAll(async () => {
  workspace = await Workspace.open("database-away");
  postgres = workspace.own(await startPostgres());
  gate = workspace.own(await TcpGate.open(postgres.port));
  const env = { SALLYPORT_ROOT_KEY: Buffer.alloc(32, 1).toString("base64") };
  const settings = { dataDir: workspace.join("data"), env, log: silentLogger };
  const listen = { hostname: "127.0.0.1", port: 0 };
  const [direct, gated] = [postgres.url(), postgres.url().replace(`:${postgres.port}/`, `:${gate.port}/`)];
  const admin = { email: "admin@example.com", organisation: "Acme", ca: undefined };
  ({ token } = await bootstrapPlatform({ ...settings, databaseUrl: direct, ...admin }));
  other = workspace.own(await startPlatform({ ...settings, databaseUrl: direct, listen }));
  cutOff = workspace.own(await startPlatform({ ...settings, databaseUrl: gated, listen }));
});
afterAll(() => workspace.close());

function list(): Promise<Response> {
  return fetch(`${cutOff.url}/api/v2/gateways`, { headers: { authorization: `Bearer ${token}` } });
}

/** Events that the replica tells while its database comes and goes. */
async function follow(): Promise<{ events: ServerSentEvent[]; ended: () => boolean }> {
  const abort = new AbortController();
  workspace.defer(() => abort.abort());
  const headers = { authorization: `Bearer ${token}` };
  const { body } = await fetch(`${cutOff.url}/api/v1/events`, { headers, signal: abort.signal });
  const events: ServerSentEvent[] = [];
  let ended = false;
  const read = async () => {
    const parser = new EventStreamParser();
    try {
      for await (const chunk of body ?? []) events.push(...parser.push(chunk));
    } finally {
      ended = true;
    }
  };
  read().catch((error: unknown) => {
    if (!abort.signal.aborted) throw error;
  });
  await until(() => events.some(({ type }) => type === "snapshot"));
  return { events, ended: () => ended };
}

async function revokeAtTheOther(name: string): Promise<string> {
  const client = new PlatformClient({ domain: other.url, token: () => token });
  const { id } = await client.gateways.create({ name });
  await client.gateways.generateToken(id);
  await client.gateways.revoke(id);
  return id;
}

async function worksAgain(): Promise<void> {
  while ((await list()).status !== 200) await Bun.sleep(100);
}

function heardOf(events: ServerSentEvent[], id: string): number {
  return events.filter(({ type, data }) => type === "gateway.revoked" && data.includes(id)).length;
}

test("a database that refuses for 10 s: 503 with Retry-After meanwhile, then everything goes on, events too", async () => {
  const { events, ended } = await follow();
  gate.shut();
  const id = await revokeAtTheOther("first");
  const statuses = new Set<number>();
  for (const back = Date.now() + 10_000; Date.now() < back; await Bun.sleep(200)) {
    const answer = await list();
    statuses.add(answer.status);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(await answer.json()).toMatchObject({ code: "DATABASE_UNAVAILABLE" });
  }
  expect([...statuses]).toEqual([503]);
  expect((await fetch(`${cutOff.url}/api/status`)).status).toBe(200);
  expect((await fetch(`${cutOff.url}/api/health`)).status).toBe(503);
  gate.reopen();
  await worksAgain();
  await until(() => heardOf(events, id) > 0);
  expect(heardOf(events, id)).toBe(1);
  expect(ended()).toBe(false);
});

test("a database that vanishes without a word: nobody waits for long, and new connections take over", async () => {
  const { events, ended } = await follow();
  gate.freeze();
  const id = await revokeAtTheOther("second");
  const answers = await Promise.all(Array.from({ length: 20 }, list));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
  gate.thaw();
  await worksAgain();
  await until(() => heardOf(events, id) > 0);
  expect(heardOf(events, id)).toBe(1);
  expect(ended()).toBe(false);
});
