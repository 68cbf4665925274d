import { observed } from "../tunnel/observed.ts";
import { type PumpResult, pump } from "../tunnel/pump.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import { halfCloseable } from "./held-end.ts";
import type { OpenedTunnel } from "./tunnel.ts";

/** How long a program may go on sending after the far side has closed for good. */
const LINGER_MS = 30_000;

/** How it went; `broken` is the tunnel's own failure, null where the local program went away. */
export interface Joined extends PumpResult {
  broken: Error | null;
}

/** Carries bytes until both are over; a local program that never ends its side does not hold a tunnel that is gone. */
export async function joinTunnel(local: ByteStream, tunnel: OpenedTunnel): Promise<Joined> {
  let linger: ReturnType<typeof setTimeout> | undefined;
  let localFailed = false;
  let broken: Error | null = null;
  const near = observed(local, (handler) => ({
    closed(error) {
      localFailed ||= error !== null;
      handler.closed(error);
    },
  }));
  const far = observed(halfCloseable(tunnel), (handler) => ({
    closed(error) {
      if (!localFailed) broken = error;
      linger = setTimeout(() => local.destroy(), LINGER_MS);
      handler.closed(error);
    },
  }));
  const result = await pump(near, far);
  clearTimeout(linger);
  return { ...result, broken };
}
