import { Workspace } from "../support/workspace.ts";
import { startTarget } from "./baselines.ts";
import { fullPath } from "./product.ts";
import { type Summary, summarize } from "./report.ts";
import { measureInRounds } from "./rounds.ts";
import { opensPerSecond } from "./scenarios.ts";

/**
 * What a relay of two workers costs and gains beside one of a single process, in alternating rounds on this machine:
 * ends with a line of JSON. One gateway, one client: about half of the connections come in at the worker that does not
 * hold the gateway. Generator, gateway and target share the processors with the relay.
 */
await using workspace = await Workspace.open("bench-workers");
const target = await startTarget(workspace);
const paths = {
  one: await fullPath(workspace, target),
  two: await fullPath(workspace, target, { relayFlags: ["--workers", "2"] }),
};
const plan = { rounds: 8, bytes: 256e6, connections: 150, pings: 5 };
const samples = await measureInRounds(paths, plan, (text) => process.stderr.write(`${text}\n`));
const [one, two] = [summarize(samples.one), summarize(samples.two)];
const opens = { one: await opensPerSecond(paths.one, 16), two: await opensPerSecond(paths.two, 16) };

const ratio = (pick: (summary: Summary) => number | undefined) =>
  Math.round(((pick(two) ?? 0) / (pick(one) ?? 1)) * 100) / 100;
const twoToOne = {
  up: ratio(({ upMBps }) => upMBps),
  down: ratio(({ downMBps }) => downMBps),
  streams100: ratio(({ streams100MBps }) => streams100MBps),
  connectP50: ratio(({ connectP50Ms }) => connectP50Ms),
  connectP99: ratio(({ connectP99Ms }) => connectP99Ms),
  rttP50: ratio(({ rttP50Ms }) => rttP50Ms),
  relayCpu: ratio(({ cpuSecondsPerGB }) => cpuSecondsPerGB.relay),
  opens: Math.round((opens.two / opens.one) * 100) / 100,
};
process.stdout.write(`${JSON.stringify({ twoToOne, opens, one, two })}\n`);
