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

const system = await LiveSystem.open({ database: values.postgres ? "postgres" : "sqlite" });
try {
  await system.relay("eu-1");
  await system.gateway("office");
  const port = await system.echo();
  await system.admin.createResource({ name: "db", gatewayName: "office", host: "127.0.0.1", port });
  const gatewayId = (await system.admin.listGateways())[0]?.id ?? "";

  let reopened = 0;
  const measured = {
    access: await measure(runs, () => system.admin.revokeResourceAccess("db")),
    gateway: await measure(runs, () => system.admin.revokeGateway(gatewayId), enrolAgain),
    "gateway, from the return of the stream": await measure(
      Math.ceil(runs / 5),
      async () => {
        system.gates.relays.shut();
        await system.admin.revokeGateway(gatewayId);
        system.gates.relays.reopen();
        reopened = performance.now();
      },
      enrolAgain,
      // What was cut before the stream came back was cut by the answer to a report about tunnels.
      (end) => system.gates.relays.streams.find((time) => time > reopened) ?? end,
    ),
  };
  const rows = Object.entries(measured).map(([what, times]) => ({
    what,
    runs: times.length,
    p50: Math.round(percentile(times, 0.5)),
    p99: Math.round(percentile(times, 0.99)),
    most: Math.round(Math.max(...times)),
  }));
  if (values.json) process.stdout.write(`${JSON.stringify(rows)}\n`);
  else
    for (const { what, p50, p99, most, ...row } of rows) {
      process.stdout.write(`${what}: ${row.runs} runs, p50 ${p50} ms, p99 ${p99} ms, most ${most} ms\n`);
    }
  if (rows.some(({ p99 }) => p99 > LIMIT_MS)) process.exitCode = 1;
} finally {
  await system.close();
}

async function enrolAgain(): Promise<void> {
  await system.gateway("office");
}

/** @param since when the clock starts, asked when it is over; when `revoke` begins unless told */
async function measure(
  times: number,
  revoke: () => Promise<unknown>,
  recover: () => Promise<void> = async () => {},
  since?: (end: number) => number,
): Promise<number[]> {
  const cuts: number[] = [];
  for (let i = 0; i < times; i++) {
    const open = await system.connect("db");
    const start = performance.now();
    const over = open.closed.then(() => performance.now());
    await revoke();
    const end = await over;
    cuts.push(Math.max(0, end - (since?.(end) ?? start)));
    await recover();
  }
  return cuts;
}
