import { parseArgs } from "node:util";
import { LiveSystem } from "../support/live-system.ts";
import { percentile } from "./statistics.ts";

/**
 * ACCEPTANCE O2: milliseconds from the answer to a revocation being asked for until what it revokes is cut, with
 * platform, relay, gateway and client in this process. Exits 1 when a 99th percentile is above 2 s.
 */
const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100" },
    postgres: { type: "boolean" },
    json: { type: "boolean" },
  },
});
const runs = Number(values.runs);
const LIMIT_MS = 2000;

type Live = { system: LiveSystem; gatewayId: string };

/** One relay, one gateway, one resource. */
async function live<T>(options: { reports: boolean }, work: (live: Live) => Promise<T>): Promise<T> {
  const system = await LiveSystem.open({ database: values.postgres ? "postgres" : "sqlite" });
  try {
    await system.relay("eu-1", options);
    await system.gateway("office");
    const port = await system.echo();
    await system.admin.resources.create({ name: "db", gatewayName: "office", host: "127.0.0.1", port });
    return await work({ system, gatewayId: (await system.admin.gateways.list())[0]?.id ?? "" });
  } finally {
    await system.close();
  }
}

/** From the beginning of `revoke` until the connection is cut. */
async function repeat(
  { system }: Live,
  revoke: () => Promise<unknown>,
  recover: () => Promise<unknown> = async () => {},
): Promise<number[]> {
  const cuts: number[] = [];
  for (let i = 0; i < runs; i++) {
    const open = await system.connect("db");
    const start = performance.now();
    const over = open.closed.then(() => performance.now());
    await revoke();
    cuts.push((await over) - start);
    await recover();
  }
  return cuts;
}

/** The stream is cut, the revocation asked for, the stream let through again: from its return until the cut. */
async function afterReturn({ system, gatewayId }: Live): Promise<number> {
  const { relays } = system.gates;
  const open = await system.connect("db");
  relays.shut();
  await system.admin.gateways.revoke(gatewayId);
  const before = relays.streams.length;
  relays.reopen();
  await open.closed;
  return performance.now() - (relays.streams[before] ?? Number.NaN);
}

const measured: Record<string, number[]> = {
  access: await live({ reports: true }, (one) =>
    repeat(one, () => one.system.admin.grants.revokeAccess("db")),
  ),
  gateway: await live({ reports: true }, (one) =>
    repeat(
      one,
      () => one.system.admin.gateways.revoke(one.gatewayId),
      () => one.system.gateway("office"),
    ),
  ),
  "gateway, from the return of the stream": [],
};
for (let i = 0; i < Math.ceil(runs / 5); i++) {
  // Reports off: their answers would cut it before the stream is back. A new system: without waits that have grown.
  const cut = await live({ reports: false }, afterReturn);
  measured["gateway, from the return of the stream"]?.push(cut);
}

const rows = Object.entries(measured).map(([what, times]) => ({
  what,
  runs: times.length,
  p50: Math.round(percentile(times, 0.5)),
  p99: Math.round(percentile(times, 0.99)),
  most: Math.round(Math.max(...times)),
}));
if (values.json) process.stdout.write(`${JSON.stringify(rows)}\n`);
else {
  for (const { what, p50, p99, most, ...row } of rows) {
    process.stdout.write(`${what}: ${row.runs} runs, p50 ${p50} ms, p99 ${p99} ms, most ${most} ms\n`);
  }
}
if (rows.some(({ p99 }) => !(p99 <= LIMIT_MS))) process.exitCode = 1;
