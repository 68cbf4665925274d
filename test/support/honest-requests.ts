import { parseArgs } from "node:util";

/**
 * Honest requests one after the other, each on a connection of its own, as a program for a network namespace: one with a
 * body and one without in turn, each tried once. Prints `{"worked", "tried", "slowestMs"}`.
 */
const { values } = parseArgs({
  options: { url: { type: "string" }, rounds: { type: "string" }, pause: { type: "string" } },
});
const result = { worked: 0, tried: 0, slowestMs: 0 };

/** Not one byte of the answer for so long is a failure. */
const PATIENCE_MS = 5000;

async function ask(path: string, expected: number, body?: object): Promise<void> {
  result.tried++;
  const asked = performance.now();
  try {
    const answer = await fetch(`${values.url}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { connection: "close", "content-type": "application/json" },
      signal: AbortSignal.timeout(PATIENCE_MS),
      tls: { rejectUnauthorized: false },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    await answer.text();
    if (answer.status === expected) result.worked++;
    else process.stderr.write(`${path}: ${answer.status}\n`);
  } catch (error) {
    process.stderr.write(`${path}: ${error instanceof Error ? error.message : error}\n`);
  }
  result.slowestMs = Math.max(result.slowestMs, Math.round(performance.now() - asked));
}

for (let i = 0; i < Number(values.rounds); i++) {
  await ask("/api/health", 200);
  // No route counts it as a failed login: it does not fit the schema.
  await ask("/api/v1/auth/login", 422, { email: 1 });
  await Bun.sleep(Number(values.pause ?? 0));
}
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
