import { Conditions } from "./conditions.ts";
import { Connections } from "./connections.ts";
import { Metrics } from "./metrics.ts";

/** What a daemon shows its operator, besides the log. One of each for a process. */
export interface Instruments {
  metrics: Metrics;
  conditions: Conditions;
  connections: Connections;
  /** Ports that show this process's insides, such as that of its metrics: nobody is let through to them. */
  ports: number[];
}

/** @param prefix of the ids of connections, where other processes of this daemon count as well */
export function createInstruments(now: () => Date = () => new Date(), prefix = ""): Instruments {
  const metrics = new Metrics();
  const conditions = new Conditions(now);
  conditions.measureInto(metrics);
  return { metrics, conditions, connections: new Connections(metrics, now, prefix), ports: [] };
}
