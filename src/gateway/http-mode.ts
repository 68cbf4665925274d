import type { Traffic } from "../telemetry/connections.ts";
import { SallyportError } from "../telemetry/error.ts";
import { serveRequests } from "../tunnel/http/serve.ts";
import { lastWords } from "../tunnel/last-words.ts";
import { observed } from "../tunnel/observed.ts";
import { PulledStream } from "../tunnel/pulled-stream.ts";
import type { PumpResult } from "../tunnel/pump.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import { type HttpConfig, parseHttpConfig, readFirstLine } from "./http/first-line.ts";
import { refusalOf, wholeAnswer } from "./http/refusal.ts";
import { type HttpSessionOptions, sessionRules } from "./http/session.ts";

/**
 * `infisical-http-proxy` (PROTOCOL 0.2, 0.5): a CONFIG line, then HTTP/1.1 requests, each forwarded to the target of
 * the certificate. Resolves when the tunnel is over; never rejects. `traffic` counts on while it runs.
 */
export async function serveHttp(
  stream: ByteStream,
  options: Omit<HttpSessionOptions, "config">,
  traffic: Traffic = { forward: 0, backward: 0 },
): Promise<PumpResult> {
  const client = new PulledStream(counted(stream, traffic));
  let config: HttpConfig;
  try {
    config = parseHttpConfig(await readFirstLine(client));
  } catch (error) {
    return { ...(await refuse(client, error, options.exactStatus)), ...traffic };
  }
  const error = await serveRequests(client, sessionRules({ ...options, config }));
  return { ...traffic, error };
}

/** A first line that can't be used is answered once, if anybody is there to hear it. */
async function refuse(client: PulledStream, error: unknown, exact: boolean): Promise<PumpResult> {
  const ours = error instanceof SallyportError;
  const result = await lastWords(client.handOver(), ours ? wholeAnswer(refusalOf(error, exact)) : null);
  return { ...result, error: ours ? error : result.error };
}

function counted(stream: ByteStream, traffic: Traffic): ByteStream {
  const seen = observed(stream, (handler) => ({
    data(chunk) {
      traffic.forward += chunk.length;
      handler.data(chunk);
    },
  }));
  return {
    ...seen,
    write(chunk) {
      traffic.backward += chunk.length;
      stream.write(chunk);
    },
  };
}
