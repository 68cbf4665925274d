import { parseArgs } from "node:util";
import { soak, table, tallied } from "./run.ts";

/**
 * bun test/faults/soak/soak.ts --minutes 180
 *
 * Exit code 0 when nothing grows beyond its bound, 1 otherwise. It starts everything itself, on loopback, needs neither
 * root nor the network, and leaves nothing behind.
 */
const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" } } });
const minutes = Number(values.minutes);
if (!(minutes >= 1)) {
  console.error("--minutes takes a number from 1 on.");
  process.exit(2);
}
const verdict = await soak({ minutes, say: (line) => console.error(line) });
console.log(`${verdict.samples} samples; ${tallied(verdict.tally)}`);
console.log(table(verdict));
process.exit(verdict.findings.some(({ finding }) => finding.leaks) ? 1 : 0);
