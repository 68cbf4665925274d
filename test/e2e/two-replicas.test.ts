import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { SQL } from "bun";
import { z } from "zod";
import { EventFollower } from "../support/event-follower.ts";
import { PatientCaller } from "../support/patient-caller.ts";
import { freePort } from "../support/ports.ts";
import { startPostgres } from "../support/postgres.ts";
import type { RunningProcess } from "../support/processes.ts";
import { type RoundRobin, startRoundRobin } from "../support/round-robin.ts";
import { Terminal } from "../support/terminal.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(120_000);

const BUILD = "binary";
const ADMIN = "admin@example.com";
const BOOTSTRAPPED = z.object({ token: z.string(), password: z.string() });
const DEPLOYED = z.object({ id: z.string(), token: z.string() });

/** How much of each, so that everything that a worker does can be told from what others do. */
const PEOPLE = 6;
const RESOURCES = 60;
const ENROLLING = 3;
const FOLLOWERS = 4;

let workspace: Workspace;
let balancer: RoundRobin;
let database: SQL;
let password: string;
let token: string;
const replicas: { port: number; process: RunningProcess; start(): RunningProcess }[] = [];
let running: { id: string; token: string };

beforeAll(async () => {
  workspace = await Workspace.open("replicas");
  const postgres = workspace.own(await startPostgres());
  const url = await postgres.createDatabase("sallyport");
  database = workspace.own(new SQL({ url, max: 2 }));
  const server = await Terminal.open(workspace, "platform", {
    build: BUILD,
    env: { SALLYPORT_ROOT_KEY: Buffer.alloc(32, 9).toString("base64") },
  });
  const data = ["--data-dir", workspace.join("data"), "--database-url", url];
  const bootstrap = ["platform", "bootstrap", ...data, "--org", "Acme", "--email", ADMIN];
  ({ token, password } = await server.ask(BOOTSTRAPPED, bootstrap));
  const ports = [freePort(), freePort()];
  balancer = workspace.own(await startRoundRobin(ports));
  for (const port of ports) {
    const words = [
      "platform",
      "start",
      "--listen",
      `127.0.0.1:${port}`,
      "--public-url",
      balancer.url,
      ...data,
    ];
    const start = () => server.start(words);
    const process = start();
    await process.waitForLog("Platform started");
    // Who starts first keeps the schedule.
    await untilTrue(async () => (await leaseHolder()) !== undefined);
    replicas.push({ port, process, start });
  }
  const admin = await Terminal.open(workspace, "admin", { build: BUILD });
  await admin.type(["login", "--domain", balancer.url, "--token-file", "-"], { input: token });
  running = await startNetwork(admin);
});
afterAll(() => workspace.close());

/** A relay and a gateway that work through the load balancer; the gateway's id and its access token. */
async function startNetwork(admin: Terminal): Promise<{ id: string; token: string }> {
  const relay = await Terminal.open(workspace, "relay", { build: BUILD });
  const site = await Terminal.open(workspace, "site", { build: BUILD });
  const place = ["--token-file", "-", "--domain", balancer.url];
  const made = await admin.ask(DEPLOYED, ["relay", "create", "edge", "--host", "127.0.0.1"]);
  const ports = ["--listen", "127.0.0.1", "--ssh-port", String(freePort()), "--tls-port", String(freePort())];
  await relay.type(["relay", "enroll", "edge", ...place, ...ports], { input: made.token });
  await relay.start(["relay", "start", "edge"]).waitForLog("Relay server started successfully");
  const gateway = await admin.ask(DEPLOYED, ["gateway", "create", "site"]);
  await site.type(["gateway", "enroll", "site", ...place], { input: gateway.token });
  site.start(["gateway", "start", "site"]);
  await admin.type(["gateway", "show", "site", "--wait", "--timeout", "40s"]);
  const conf = await readFile(workspace.join("home-site", "conf", "gateways", "site.conf"), "utf8");
  return { id: gateway.id, token: /^INFISICAL_GATEWAY_ACCESS_TOKEN=(.*)$/m.exec(conf)?.[1] ?? "" };
}

async function leaseHolder(): Promise<string | undefined> {
  const [row] = await database`SELECT holder FROM leases WHERE name = 'health' AND expires_at > ${now()}`;
  return row?.holder;
}

function now(): string {
  return new Date().toISOString();
}

async function untilTrue(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await Bun.sleep(50);
}

async function count(query: Promise<{ n: number | string }[]>): Promise<number> {
  return Number((await query)[0]?.n);
}

/** What workers did, to be compared with what the database holds. */
class Deeds {
  logins = 0;
  accesses = 0;
  reported = 0;
  readonly granted = new Set<string>();
  readonly created = new Set<string>();
  /** Of each gateway: tokens that were made for it. */
  readonly redeemed = new Map<string, number>();
}

/** Each does one thing again and again until told to stop. */
function workers(
  caller: PatientCaller,
  deeds: Deeds,
  people: string[],
  isOver: () => boolean,
): Promise<void>[] {
  const again = async (work: (round: number) => Promise<unknown>, pauseMs: number) => {
    for (let round = 0; !isOver(); round++) {
      await work(round);
      await Bun.sleep(pauseMs);
    }
  };
  const logIn = async () => {
    const body = { email: ADMIN, password };
    const session = await caller.ask("POST", "/v1/auth/login", { body });
    if (!session) return;
    deeds.logins++;
    // At once, and most often at the other replica.
    const who = await caller.ask("GET", "/v1/auth/me", { token: session.body.accessToken });
    expect(who?.body.user?.email ?? who?.body.email).toBe(ADMIN);
  };
  const grant = async (round: number) => {
    const [resource, email] = [`db-${Math.floor(round / PEOPLE) % RESOURCES}`, people[round % PEOPLE] ?? ""];
    const answer = await caller.ask("POST", `/v1/resources/${resource}/grants`, { token, body: { email } });
    if (answer) deeds.granted.add(`${resource} ${email}`);
  };
  const create = async (round: number) => {
    const name = `made-${round}`;
    const body = { name, gatewayName: "site", host: "10.0.0.1", port: 5432, kind: "tcp" };
    const doneBefore = ["ALREADY_EXISTS"];
    if (await caller.ask("POST", "/v1/resources", { token, body, doneBefore })) deeds.created.add(name);
  };
  const access = async (round: number) => {
    const path = `/v1/resources/db-${round % RESOURCES}/access`;
    if (await caller.ask("POST", path, { token, body: {} })) deeds.accesses++;
  };
  const enroll = async (id: string) => {
    const path = `/v3/gateways/${id}/token-auth/generate-enrollment-token`;
    const minted = await caller.ask("POST", path, { token });
    if (!minted) return;
    // Two at once, most often at both replicas: the loser is told that it was used.
    const body = { method: "token", token: minted.body.token };
    const redeem = { body, refused: ["ENROLLMENT_TOKEN_INVALID", "RATE_LIMITED"] };
    const answers = await Promise.all([1, 2].map(() => caller.ask("POST", "/v3/gateways/login", redeem)));
    expect(answers.filter((answer) => answer?.status === 200).length).toBeLessThan(2);
    deeds.redeemed.set(id, (deeds.redeemed.get(id) ?? 0) + 1);
  };
  return [
    again(logIn, 300),
    again(grant, 10),
    again(create, 30),
    again(access, 30),
    again(() => caller.ask("GET", "/v2/gateways", { token }), 20),
    again(() => caller.ask("GET", "/v1/resources", { token }), 20),
    again(async () => {
      const beat = { token: running.token, body: {} };
      if (await caller.ask("POST", "/v2/gateways/heartbeat", beat)) deeds.reported++;
    }, 100),
    ...enrolling.map((id) => again(() => enroll(id), 30)),
  ];
}

const enrolling: string[] = [];

test("two replicas, one killed under load and started again: nothing is lost, nothing is done twice", async () => {
  const caller = new PatientCaller(balancer.url);
  const must = async (method: string, path: string, body: unknown) => {
    const answer = await caller.ask(method, path, { token, body });
    if (!answer) throw new Error(JSON.stringify(caller.wrong));
    return answer.body;
  };
  const people: string[] = [];
  for (let i = 0; i < PEOPLE; i++) {
    const email = `person-${i}@example.com`;
    const { link } = await must("POST", "/v1/invitations", { email, role: "member" });
    await must("POST", "/v1/auth/invitation/accept", { token: new URL(link).hash.slice(1), password });
    people.push(email);
  }
  for (let i = 0; i < RESOURCES; i++) {
    await must("POST", "/v1/resources", {
      name: `db-${i}`,
      gatewayName: "site",
      host: "10.0.0.1",
      port: 1,
      kind: "tcp",
    });
  }
  for (let i = 0; i < ENROLLING; i++) {
    enrolling.push((await must("POST", "/v3/gateways", { name: `enrolling-${i}` })).id);
  }
  // The authorities of an organisation that nobody uses rotate meanwhile.
  await must("POST", "/v1/organisations", { name: "Quiet" });
  const { accessToken: elsewhere } = await must("POST", "/v1/auth/login", { email: ADMIN, password });
  const there = { token: elsewhere };
  await caller.ask("POST", "/v1/auth/organisation", { ...there, body: { organisation: "Quiet" } });

  const loginsBefore = await count(database`SELECT count(*) AS n FROM audit_log WHERE event = 'USER_LOGIN'`);
  const [{ last_id: firstEvent } = { last_id: 0 }] = await database`SELECT last_id FROM event_counter`;
  const followers = Array.from({ length: FOLLOWERS }, () => new EventFollower(balancer.url, token));
  for (const follower of followers) workspace.own(follower);
  await untilTrue(async () => followers.every(({ snapshots }) => snapshots === 1));

  const deeds = new Deeds();
  let over = false;
  const working = workers(caller, deeds, people, () => over);
  await Bun.sleep(3000);
  const times = { overlapSeconds: 3, retireAfterSeconds: 3 };
  await caller.ask("POST", "/v1/authorities/rotate", { ...there, body: times });

  const [first] = replicas;
  if (!first) throw new Error("there is no replica");
  const keeper = await leaseHolder();
  first.process.kill();
  const killed = Date.now();
  await untilTrue(async () => ![undefined, keeper].includes(await leaseHolder()));
  const takenOver = Date.now() - killed;
  // The rotation that began with both goes on with one, through both of its phases.
  await untilTrue(async () => (await count(database`SELECT count(*) AS n FROM authority_rotations`)) === 0);
  const passedBefore = balancer.passed.get(first.port) ?? 0;
  first.process = first.start();
  await first.process.waitForLog("Platform started");
  await untilTrue(async () => (balancer.passed.get(first.port) ?? 0) > passedBefore + 50);
  over = true;
  await Promise.all(working);
  expect(caller.wrong).toEqual([]);

  console.log(
    `${caller.succeeded} requests, ${caller.lost.length} lost, ${caller.turnedAway.length} turned away; the schedule was taken over after ${takenOver} ms`,
    { ...deeds, granted: deeds.granted.size, created: deeds.created.size },
  );
  // What was answered was done; what was lost was done once or not at all.
  const lost = (what: string) => caller.lost.filter((failure) => failure.what.includes(what)).length;
  const between = (actual: number, successes: number, what: string) => {
    expect(actual).toBeGreaterThanOrEqual(successes);
    expect(actual).toBeLessThanOrEqual(successes + lost(what));
  };
  const grants = await database`
    SELECT r.name, u.email FROM grants g JOIN resources r ON r.id = g.resource_id JOIN users u ON u.id = g.user_id`;
  expect(new Set(grants.map((row: { name: string; email: string }) => `${row.name} ${row.email}`))).toEqual(
    deeds.granted,
  );
  expect(grants).toHaveLength(deeds.granted.size);
  expect(await count(database`SELECT count(*) AS n FROM resources WHERE name LIKE 'made-%'`)).toBe(
    deeds.created.size,
  );
  const logins = await count(database`SELECT count(*) AS n FROM audit_log WHERE event = 'USER_LOGIN'`);
  between(logins - loginsBefore, deeds.logins, "/auth/login");
  const accesses = await count(
    database`SELECT count(DISTINCT access_id) AS n FROM issued_certificates WHERE resource_id IS NOT NULL`,
  );
  between(accesses, deeds.accesses, "/access");
  for (const id of enrolling) {
    const [{ token_version: version }] = await database`SELECT token_version FROM gateways WHERE id = ${id}`;
    expect(version).toBe(deeds.redeemed.get(id));
    const redeemed = await count(database`
      SELECT count(*) AS n FROM audit_log WHERE event = 'RESOURCE_AUTH_METHOD_LOGIN' AND actor_id = ${id}`);
    expect(redeemed).toBe(version);
  }

  // Nobody who follows has missed or heard anything twice, and nobody was told everything anew.
  const events = await database`
    SELECT e.id FROM events e LEFT JOIN organisations o ON o.id = e.org_id
    WHERE e.id > ${firstEvent} AND COALESCE(o.name, 'Acme') = 'Acme' ORDER BY e.id`;
  const ids = events.map((row: { id: number | string }) => Number(row.id));
  expect(ids.length).toBeGreaterThan(20);
  await untilTrue(async () =>
    followers.every(
      (follower) => follower.ids.at(-1) === undefined || (follower.ids.at(-1) ?? 0) >= (ids.at(-1) ?? 0),
    ),
  );
  for (const { ids: heard, snapshots } of followers) {
    expect(heard.filter((id) => id <= (ids.at(-1) ?? 0))).toEqual(ids);
    expect(snapshots).toBe(1);
  }
  expect(followers.filter(({ begun }) => begun > 1).length).toBeGreaterThan(0);
});
