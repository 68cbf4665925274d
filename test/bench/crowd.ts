import { parseArgs } from "node:util";
import { mintOpaqueToken } from "../../src/platform/services/login/opaque-tokens.ts";
import { insertApiToken } from "../../src/platform/store/api-tokens.ts";
import { insertMembership, insertOrganisation } from "../../src/platform/store/people.ts";
import { DatabaseHost, TestPlatform } from "../support/platform.ts";
import { REPOSITORY, startProcess } from "../support/processes.ts";
import { measureLists, measureStorm, type Scene, started } from "./crowd-measure.ts";
import { type Crowd, gatewayId, insertCrowd, organisationId } from "./crowd-rows.ts";

/**
 * A platform with many gateways (10 000 unless told), 50 in each organisation: how long its lists take, and how one
 * replica takes in a heartbeat of each of them within a few seconds. `--one-organisation` puts them all into one, which
 * the platform itself would not, and measures the lists only. Exits 1 when the median list takes 100 ms, when a
 * heartbeat fails otherwise than by 503 with Retry-After, or when one that was answered is not stored.
 */
const { values } = parseArgs({
  options: {
    gateways: { type: "string", default: "10000" },
    seconds: { type: "string", default: "5" },
    postgres: { type: "boolean", default: false },
    "one-organisation": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const LIST_LIMIT_MS = 100;
const gateways = Number(values.gateways);
const crowd: Crowd = { gateways, perOrganisation: values["one-organisation"] ? gateways : 50 };
const database = values.postgres ? "postgres" : "sqlite";

const say = (text: string) => void process.stderr.write(`${text}\n`);
const host = await DatabaseHost.open();
const place = await host.prepared(database);
const owner = await TestPlatform.reopen(place);
const { core } = owner;

say(`rows of ${gateways} gateways on ${database}`);
const people = await makeOrganisations();
await insertCrowd(core.store, crowd);
const platform = startProcess([process.execPath, `${REPOSITORY}/test/bench/crowd-platform.ts`], {
  input: JSON.stringify(place),
});
const { url } = started.parse(await platform.waitForJson());
const scene: Scene = { platform, url, people, gateways: await Promise.all(gatewayTokens()) };
say("lists");
const lists = await measureLists(scene, values["one-organisation"] ? 50 : 400);
const storm = values["one-organisation"] ? undefined : await measureEffects();
await platform.close();
await owner.close();
await host.close();

if (values.json) process.stdout.write(`${JSON.stringify({ database, ...crowd, lists, storm })}\n`);
else {
  for (const [path, { p10, p50, p99, cpu, kB }] of Object.entries(lists)) {
    const ms = `p10 ${p10}, p50 ${p50}, p99 ${p99}, CPU ${cpu} ms`;
    process.stdout.write(`GET /api${path} (${kB} kB): ${ms}\n`);
  }
  for (const [what, value] of Object.entries(storm ?? {})) process.stdout.write(`storm ${what}: ${value}\n`);
}
const isQuick = Object.values(lists).every(({ p50 }) => p50 < LIST_LIMIT_MS);
const isAbsorbed = !storm || (storm.failed === 0 && storm.heardOf === gateways);
process.exit(isQuick && isAbsorbed ? 0 : 1);

/** All of one administrator, who has a token for each. */
async function makeOrganisations(): Promise<string[]> {
  const { userId } = await owner.tenant("admin");
  const tokens: string[] = [];
  for (let n = 0; n * crowd.perOrganisation < gateways; n++) {
    const [id, now, token] = [organisationId(n), core.now().toISOString(), mintOpaqueToken("spt_")];
    const sealedKey = core.keyring.newOrganisationKey(id);
    await core.store.transaction(async (sql) => {
      await insertOrganisation(sql, { id, name: `org-${n}`, sealedKey, now });
      await insertMembership(sql, { userId, orgId: id, role: "admin", now });
      const row = { id: crypto.randomUUID(), userId, orgId: id, name: "t", now, expiresAt: null };
      await insertApiToken(sql, { ...row, tokenHash: token.hash });
    });
    // Made when first needed, which takes a good part of a second's CPU.
    await core.authorities.organisation(id);
    tokens.push(token.plain);
  }
  return tokens;
}

function gatewayTokens(): Promise<string>[] {
  return Array.from({ length: gateways }, (_, n) =>
    core.accessTokens.mint({
      ...{ authTokenType: "gatewayAccessToken", gatewayId: gatewayId(n), tokenVersion: 1 },
      orgId: organisationId(Math.floor(n / crowd.perOrganisation)),
    }),
  );
}

/** With what is stored right after the last answer: who was heard of, and who was looked at already. */
async function measureEffects() {
  say(`a heartbeat of each within ${values.seconds} s`);
  const began = new Date().toISOString();
  const storm = await measureStorm(scene, Number(values.seconds));
  const [heard] = await core.store.read<{ n: number }>`
    SELECT CAST(count(DISTINCT subject_id) AS INTEGER) AS n FROM agent_reports WHERE last_at >= ${began}`;
  const [probed] = await core.store.read<{ n: number }>`
    SELECT CAST(count(*) AS INTEGER) AS n FROM gateways WHERE heartbeat >= ${began}`;
  return { ...storm, heardOf: heard?.n ?? 0, probed: probed?.n ?? 0 };
}
