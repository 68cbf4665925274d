import { parseArgs } from "node:util";
import { Workspace } from "../support/workspace.ts";
import { sshReversePath, startTarget, tcpPath, tlsPath } from "./baselines.ts";
import { summarize, table } from "./report.ts";
import { measureInRounds, type Plan } from "./rounds.ts";

/**
 * What the full path costs, measured beside raw TCP, one TLS hop and `ssh -R` in one alternating run on this machine.
 * `--quick` takes under a minute; `--json` ends with one line of JSON. Progress goes to stderr.
 */
const { values } = parseArgs({ options: { quick: { type: "boolean" }, json: { type: "boolean" } } });

const QUICK: Plan = { rounds: 3, bytes: 192e6, connections: 100, pings: 5 };
const FULL: Plan = { rounds: 7, bytes: 512e6, connections: 200, pings: 5 };

const say = (text: string) => void process.stderr.write(`${text}\n`);

await using workspace = await Workspace.open("bench");
const target = await startTarget(workspace);
const paths = {
  tcp: tcpPath(target),
  tls: await tlsPath(workspace),
  sshR: await sshReversePath(workspace, target),
};
const samples = await measureInRounds(paths, values.quick ? QUICK : FULL, say);
const summaries = Object.fromEntries(Object.entries(samples).map(([name, all]) => [name, summarize(all)]));
process.stdout.write(values.json ? `${JSON.stringify(summaries)}\n` : `${table(summaries)}\n`);
