import type { ClientCredentials } from "../../pki/credentials.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { lastWords } from "../../tunnel/last-words.ts";
import type { ByteStream } from "../../tunnel/stream.ts";
import type { Outbound } from "../outbound.ts";
import { openTunnel } from "../tunnel.ts";

/** Small enough for a slow line, large enough to leave TCP's slow start. */
const SAMPLE_BYTES = 4 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
const UNDER_WAY_BYTES = 4 * CHUNK_BYTES;
const MIB = 1024 * 1024;
const LEAVE_MS = 1_000;

/**
 * Sends zeros to the gateway, whose `ping` mode drops what it is sent, and says how fast they went: every hop takes
 * them but the target, which nobody may bother with that.
 * @throws SallyportError as `openTunnel`; TIMEOUT
 */
export async function sampleThroughput(
  credentials: ClientCredentials,
  outbound: Outbound,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string> {
  const { stream, connectMs } = await openTunnel(credentials, { mode: "ping", timeoutMs, outbound, signal });
  const started = performance.now();
  const sent = await send(stream, timeoutMs, signal);
  const seconds = Math.max(0.001, (performance.now() - started) / 1000);
  const rate = (sent / MIB / seconds).toFixed(1);
  return `${rate} MiB/s up, a connection takes ${Math.round(connectMs)} ms`;
}

/** Until all has left, or half of the time is over. @returns bytes */
function send(stream: ByteStream, timeoutMs: number, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    let given = 0;
    let written = 0;
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      if (written > 0) resolve(written);
      else reject(new SallyportError("TIMEOUT", "The tunnel took not one byte of the sample."));
      // A whole sample leaves in order: the relay and the gateway would count a connection that was lost.
      if (written >= SAMPLE_BYTES) void lastWords(stream, null, LEAVE_MS);
      else stream.destroy();
    };
    // A stream that closes reports what it drops as written, so little may be under way.
    const give = () => {
      while (given < SAMPLE_BYTES && given - written < UNDER_WAY_BYTES) {
        given += CHUNK_BYTES;
        stream.write(Buffer.alloc(CHUNK_BYTES));
      }
    };
    const timer = setTimeout(finish, timeoutMs / 2);
    signal.addEventListener("abort", finish, { once: true });
    stream.attach({
      data: (chunk) => stream.consumed(chunk.length),
      end() {},
      written(bytes) {
        written += bytes;
        if (written >= SAMPLE_BYTES) finish();
        else give();
      },
      closed: finish,
    });
    give();
  });
}
