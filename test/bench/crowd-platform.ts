import { z } from "zod";
import { startPlatform } from "../../src/platform/platform.ts";
import { silentLogger } from "../../src/telemetry/log.ts";

/**
 * The platform as the product starts it, for the database that it is told of on stdin; but whoever it looks for answers
 * after 20 ms, because nobody is there. Prints `{"url"}`, and ends by SIGTERM.
 */
const order = z.object({
  dataDir: z.string(),
  databaseUrl: z.string().optional(),
  env: z.record(z.string(), z.string()),
});

const PROBE_MS = 20;

const platform = await startPlatform({
  ...order.parse(await Bun.stdin.json()),
  listen: { hostname: "127.0.0.1", port: 0 },
  log: silentLogger,
  prober: {
    gateway: async () => {
      await Bun.sleep(PROBE_MS);
      return { heartbeatTtlSeconds: 180 };
    },
    relay: () => Bun.sleep(PROBE_MS),
    relaySsh: () => Bun.sleep(PROBE_MS),
  },
});
process.once("SIGTERM", () => void platform.close(1000).then(() => process.exit(0)));
process.stdout.write(`${JSON.stringify({ url: platform.url })}\n`);
