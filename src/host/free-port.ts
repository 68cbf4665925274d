import { describe, SallyportError } from "../telemetry/error.ts";

/**
 * A TCP port that was free a moment ago, for a port that has to be announced before anything listens on it.
 * @throws SallyportError CONFIG_INVALID when that address isn't ours
 */
export function freePort(hostname: string): number {
  try {
    const listener = Bun.listen({ hostname, port: 0, socket: { data() {} } });
    const { port } = listener;
    listener.stop(true);
    return port;
  } catch (cause) {
    throw new SallyportError("CONFIG_INVALID", `Cannot listen on ${hostname}: ${describe(cause)}`, { cause });
  }
}
