import { AggregatorRegistry, type Registry } from "prom-client";
import { z } from "zod";
import type { ConnectionTotals, OpenConnection } from "./connections.ts";

const number = z.number();
const labels = z.record(z.string(), z.union([z.string(), number]));
const about = z.record(z.string(), z.union([z.string(), number, z.boolean(), z.null()]).optional());

const metric = z.object({
  name: z.string(),
  help: z.string(),
  type: z.string(),
  aggregator: z.string(),
  values: z.array(z.object({ value: number, labels })),
});

/** What one process of a daemon that runs as several has counted, as it is sent to the one that people ask. */
export const partSchema = z.object({
  metrics: z.array(metric),
  connections: z.object({
    open: number,
    total: number,
    bytesUp: number,
    bytesDown: number,
    newest: z.array(
      z.object({
        id: z.string(),
        mode: z.string(),
        since: z.string(),
        bytesUp: number,
        bytesDown: number,
        about,
      }),
    ),
  }),
  memoryBytes: number,
  eventLoopLagMs: number,
});

export type Part = z.infer<typeof partSchema>;

/** The other processes of this daemon. */
export interface Parts {
  /** What they have counted so far; also those that are gone, so that no counter goes back. Never rejects. */
  ask(): Promise<Part[]>;
}

/** Metrics of several processes as those of one. The order matters to those of which the first one counts. */
export function summed(metrics: readonly (readonly object[])[]): Registry {
  return AggregatorRegistry.aggregate([...metrics]);
}

/** Connections of this process and of the others as one list, the newest first, at most that many. */
export function together(
  own: ConnectionTotals & { newest: OpenConnection[] },
  parts: Part[],
  most: number,
): ConnectionTotals & { newest: OpenConnection[] } {
  const all = [own, ...parts.map(({ connections }) => connections)];
  const sum = (count: (one: ConnectionTotals) => number) => all.reduce((total, one) => total + count(one), 0);
  const newest = all.flatMap((one) => one.newest).sort((a, b) => b.since.localeCompare(a.since));
  return {
    open: sum(({ open }) => open),
    total: sum(({ total }) => total),
    bytesUp: sum(({ bytesUp }) => bytesUp),
    bytesDown: sum(({ bytesDown }) => bytesDown),
    newest: newest.slice(0, most),
  };
}

/** What stays of processes that are gone: what they have counted, not what they had open. */
export async function remains(gone: readonly Part[]): Promise<Part> {
  const counters = gone.map(({ metrics }) => metrics.filter(({ type }) => type === "counter"));
  const values = await summed(counters).getMetricsAsJSON();
  const sum = (count: (part: Part) => number) => gone.reduce((all, part) => all + count(part), 0);
  return {
    metrics: z.array(metric).parse(values),
    connections: {
      open: 0,
      total: sum(({ connections }) => connections.total),
      bytesUp: sum(({ connections }) => connections.bytesUp),
      bytesDown: sum(({ connections }) => connections.bytesDown),
      newest: [],
    },
    memoryBytes: 0,
    eventLoopLagMs: 0,
  };
}
