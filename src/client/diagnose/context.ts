import type { Environment } from "../../host/environment.ts";
import type { Resolver } from "../../tunnel/dial/addresses.ts";

/** What every collector needs of the machine; tests bring their own. */
export interface Surroundings {
  env: Environment;
  now: () => Date;
  /** How long an answer from the network may take; milliseconds. */
  patienceMs: number;
  /** The machine's own unless told. */
  resolve?: Resolver | undefined;
}

const PATIENCE_MS = 5000;

export function thisPlace(env: Environment = process.env): Surroundings {
  return { env, now: () => new Date(), patienceMs: PATIENCE_MS };
}
