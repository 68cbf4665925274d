import { z } from "zod";
import { SallyportError } from "../../telemetry/error.ts";
import { LOG_LEVELS } from "../../telemetry/log.ts";
import type { DaemonStatus } from "../../telemetry/status.ts";

/** A relay with a thousand gateways says about 300 KB. */
const TEXT_LIMIT = 8 * 1024 * 1024;

const text = z.string();
const count = z.number();
const fields = z.record(z.string(), z.union([text, count, z.boolean(), z.null()]));

/** Of this or another version: unknown fields pass away, codes of a newer daemon are only texts here. */
const schema = z.object({
  role: z.enum(["gateway", "relay"]),
  name: text,
  id: text.nullable(),
  version: text,
  pid: count,
  since: text,
  state: z.enum(["starting", "running", "draining"]),
  logLevel: z.enum(LOG_LEVELS),
  metrics: text.nullable(),
  conditions: z.array(
    z.object({
      code: text,
      title: text,
      severity: z.enum(["info", "warning", "error"]),
      since: text,
      text,
      fix: text,
      impactsTraffic: z.boolean(),
    }),
  ),
  tunnels: z.array(z.object({ relay: text, state: text, reason: text.optional() })).optional(),
  gateways: z
    .object({
      total: count,
      list: z.array(
        z.object({
          gatewayId: text,
          gatewayName: text.optional(),
          since: text,
          connections: count,
          address: text,
        }),
      ),
    })
    .optional(),
  listening: z.object({ ssh: count, tls: count }).optional(),
  workers: z.object({ running: count, wanted: count }).optional(),
  certificates: z.array(z.object({ name: text, from: text, until: text })),
  connections: z.object({
    open: count,
    total: count,
    bytesUp: count,
    bytesDown: count,
    newest: z.array(
      z.object({ id: text, mode: text, since: text, bytesUp: count, bytesDown: count, about: fields }),
    ),
  }),
  errors: z.record(z.string(), count),
  windowBudget: z.object({ used: count, limit: count }).nullable(),
  process: z.object({ memoryBytes: count, eventLoopLagMs: count }),
});

/** @throws SallyportError INTERNAL */
export function parseStatus(json: string): DaemonStatus {
  try {
    if (json.length > TEXT_LIMIT) throw new Error("too long");
    return schema.parse(JSON.parse(json));
  } catch (cause) {
    throw new SallyportError(
      "INTERNAL",
      "The answer of the daemon makes no sense: is it of another version? Restart it.",
      { cause },
    );
  }
}
