import { dialOutbound } from "../tunnel/proxy/dial.ts";
import type { DialOptions } from "../tunnel/ssh/dial.ts";

/** A relay that takes longer is as good as gone. */
const PATIENCE_MS = 3000;

/**
 * Milliseconds until a TCP connection to the relay stands, by the way that its tunnel takes (a proxy, perhaps);
 * undefined when there is none. Nothing is sent.
 */
export async function measureRelay(
  { host, port, proxy, proxyCaFile: caFile }: Pick<DialOptions, "host" | "port" | "proxy" | "proxyCaFile">,
  stop: AbortSignal,
): Promise<number | undefined> {
  const started = performance.now();
  try {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(PATIENCE_MS)]);
    const wire = await dialOutbound({ host, port, proxy, caFile, signal });
    const elapsed = performance.now() - started;
    wire.close();
    return elapsed;
  } catch {
    // Why is said by the tunnel's own dial, where it matters.
    return undefined;
  }
}
