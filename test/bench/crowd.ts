import { parseArgs } from "node:util";
import { createApi } from "../../src/platform/api/api.ts";
import { LoadReports } from "../../src/platform/services/gateways/load-reports.ts";
import { Probes } from "../../src/platform/services/health/probes.ts";
import { HealthWrites } from "../../src/platform/services/health/writes.ts";
import { FailureLimiter } from "../../src/platform/services/login/failure-limiter.ts";
import { mintOpaqueToken } from "../../src/platform/services/login/opaque-tokens.ts";
import { insertApiToken } from "../../src/platform/store/api-tokens.ts";
import { insertMembership, insertOrganisation } from "../../src/platform/store/people.ts";
import { DatabaseHost, TestPlatform } from "../support/platform.ts";
import { REPOSITORY, startProcess } from "../support/processes.ts";
import { stormResult } from "./crowd-load.ts";
import { fullScans, watchStatements } from "./crowd-plans.ts";
import { gatewayId, insertCrowd, PER_ORGANISATION } from "./crowd-rows.ts";
import { percentile, rounded } from "./statistics.ts";

/**
 * A platform with many gateways: how long its lists take, and how a burst of all their heartbeats at once is taken in by
 * one replica. What is at the other end of a probe answers after 20 ms. Exits 1 when a list takes 100 ms (99th percentile, nothing else going on) or a heartbeat fails otherwise than by a 503.
 */
const { values } = parseArgs({
  options: {
    gateways: { type: "string", default: "10000" },
    postgres: { type: "boolean" },
    plans: { type: "boolean" },
    json: { type: "boolean" },
  },
});
const gateways = Number(values.gateways);
const LIST_LIMIT_MS = 100;
const LISTS = ["/v2/gateways", "/v1/relays", "/v1/resources", "/v1/audit", "/v1/audit/connections"];

const say = (text: string) => void process.stderr.write(`${text}\n`);
const database = values.postgres ? "postgres" : "sqlite";
const host = await DatabaseHost.open();
const platform = await TestPlatform.open(host, database);
const { core } = platform;
platform.prober.onGateway = async () => {
  await Bun.sleep(20);
  return { heartbeatTtlSeconds: 180 };
};

// As the product assembles it: one batch of writes a second.
const healthWrites = new HealthWrites(core.store, core.now);
const probes = new Probes(core, platform.prober, healthWrites);
const api = createApi({
  ...{ core, feed: platform.feed, alerts: platform.alerts, healthWrites },
  probes,
  loads: new LoadReports(core),
  limiter: new FailureLimiter(core.now),
  onBootstrapped: async () => {},
  isDraining: () => false,
});

const admin = await platform.tenant("admin");
const tokens: string[] = [];
say(`${gateways} gateways on ${database}`);
await insertCrowd(core.store, gateways, async (n, orgId) => {
  const [now, token] = [core.now().toISOString(), mintOpaqueToken("spt_")];
  const sealedKey = core.keyring.newOrganisationKey(orgId);
  await core.store.transaction(async (sql) => {
    await insertOrganisation(sql, { id: orgId, name: `org-${n}`, sealedKey, now });
    await insertMembership(sql, { userId: admin.userId, orgId, role: "admin", now });
    const row = { id: crypto.randomUUID(), userId: admin.userId, orgId, name: "t", now, expiresAt: null };
    await insertApiToken(sql, { ...row, tokenHash: token.hash });
  });
  tokens.push(token.plain);
});

say("lists");
const statements = watchStatements(core.store);
const lists: Record<string, { p50: number; p99: number }> = {};
for (const path of LISTS) lists[path] = summary(await list(path, 400));
say("all their heartbeats at once");
const storm = await measureStorm();
const plans = values.plans ? await fullScans(core.store, statements.seen()) : [];

if (values.json) process.stdout.write(`${JSON.stringify({ database, gateways, lists, storm, plans })}\n`);
else {
  for (const [path, { p50, p99 }] of Object.entries(lists)) {
    process.stdout.write(`GET /api${path}: p50 ${p50} ms, p99 ${p99} ms\n`);
  }
  for (const [what, value] of Object.entries(storm)) process.stdout.write(`storm ${what}: ${value}\n`);
  for (const plan of plans) process.stdout.write(`${plan}\n`);
}
const isSlow = Object.values(lists).some(({ p99 }) => !(p99 < LIST_LIMIT_MS));
await platform.close();
await host.close();
process.exit(isSlow || storm.failed > 0 ? 1 : 0);

async function call(method: string, path: string, token = "", body?: object) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  const response = await api.fetch(new Request(`http://platform.test/api${path}`, init), "192.0.2.1");
  return { status: response.status, text: await response.text() };
}

/** One after the other, of one organisation after the other. */
async function list(path: string, times: number): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < times; i++) {
    const began = performance.now();
    const { status, text } = await call("GET", path, tokens[i % tokens.length]);
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    took.push(performance.now() - began);
  }
  return took;
}

function summary(took: number[]) {
  return { p50: rounded(percentile(took, 0.5)), p99: rounded(percentile(took, 0.99)) };
}

/** All gateways at once, over HTTP and from a process of their own. */
async function measureStorm() {
  const bearers = await Promise.all(Array.from({ length: gateways }, (_, n) => bearerOf(n)));
  const server = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0, idleTimeout: 35 },
    fetch: (request) => api.fetch(request, "192.0.2.1"),
  });
  const before = statements.counts();
  const [listed] = tokens;
  const load = startProcess([process.execPath, `${REPOSITORY}/test/bench/crowd-load.ts`], {
    env: { BUN_CONFIG_MAX_HTTP_REQUESTS: String(gateways + 10) },
    input: JSON.stringify({ url: server.url.origin, bearers, listed }),
  });
  const code = await load.exited;
  if (code !== 0) throw new Error(load.stderr.text);
  const after = statements.counts();
  await server.stop(true);
  return {
    ...stormResult.parse(JSON.parse(load.stdout.text)),
    probes: platform.prober.gateways.length,
    transactions: after.transactions - before.transactions,
    "statements in transactions": after.written - before.written,
    "reads outside": after.read - before.read,
  };
}

async function bearerOf(n: number): Promise<string> {
  const orgId = `00000000-0000-4000-9000-${String(Math.floor(n / PER_ORGANISATION)).padStart(12, "0")}`;
  return await core.accessTokens.mint({
    ...{ authTokenType: "gatewayAccessToken", gatewayId: gatewayId(n), orgId, tokenVersion: 1 },
  });
}
