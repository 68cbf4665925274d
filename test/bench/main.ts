import { parseArgs } from "node:util";
import { Workspace } from "../support/workspace.ts";
import { sshReversePath, startTarget, tcpPath, tlsPath } from "./baselines.ts";
import { idleGateways } from "./idle-gateways.ts";
import { fullPath } from "./product.ts";
import { scenarioLines, summarize, table } from "./report.ts";
import { measureInRounds, type Plan } from "./rounds.ts";
import { longLine, opensPerSecond, slowConsumers } from "./scenarios.ts";

/**
 * What the full path costs, measured beside raw TCP, one TLS hop and `ssh -R` in one alternating run on this machine.
 * `--quick` takes under a minute and leaves the scenarios out; `--json` ends with one line of JSON. Progress goes to
 * stderr.
 */
const { values } = parseArgs({ options: { quick: { type: "boolean" }, json: { type: "boolean" } } });

const QUICK: Plan = { rounds: 3, bytes: 192e6, connections: 100, pings: 5 };
const FULL: Plan = { rounds: 7, bytes: 512e6, connections: 200, pings: 5 };

const say = (text: string) => void process.stderr.write(`${text}\n`);

await using workspace = await Workspace.open("bench");
const target = await startTarget(workspace);
const paths = {
  path: await fullPath(workspace, target),
  sshR: await sshReversePath(workspace, target),
  tls: await tlsPath(workspace),
  tcp: tcpPath(target),
};
const samples = await measureInRounds(paths, values.quick ? QUICK : FULL, say);
const summaries = Object.fromEntries(Object.entries(samples).map(([name, all]) => [name, summarize(all)]));
const scenarios = values.quick ? undefined : await measureScenarios();

if (values.json)
  process.stdout.write(`${JSON.stringify({ ...summaries, ...(scenarios && { scenarios }) })}\n`);
else process.stdout.write(`${table(summaries)}\n${scenarios ? `\n${scenarioLines(scenarios)}\n` : ""}`);

async function measureScenarios() {
  const { path, sshR } = paths;
  say("opens per second");
  const opens = { path: await opensPerSecond(path, 16), sshR: await opensPerSecond(sshR, 16) };
  say("50 downloads that nobody reads");
  const slow = { path: await slowConsumers(path, 50, 6), sshR: await slowConsumers(sshR, 50, 6) };
  say("a line of 100 ms round trip between relay and gateway");
  const delayed = {
    path: await longLine(await fullPath(workspace, target, { delayMs: 50 }), 400e6),
    sshR: await longLine(await sshReversePath(workspace, target, 50), 60e6),
  };
  say("1000 idle gateways");
  const idle = await idleGateways(1000);
  return { opensPerSecond: opens, slowConsumers: slow, longLine: delayed, idleGateways: idle };
}
