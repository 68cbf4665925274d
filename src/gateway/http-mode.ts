import type { Traffic } from "../telemetry/connections.ts";
import { StreamDuplex } from "../tunnel/duplex.ts";
import type { PumpResult } from "../tunnel/pump.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import { endWithError } from "./http/answer.ts";
import { type HttpConfig, parseHttpConfig, readFirstLine } from "./http/first-line.ts";
import type { HttpFront } from "./http/front.ts";
import { HttpSession, type HttpSessionOptions } from "./http/session.ts";

/**
 * `infisical-http-proxy` (PROTOCOL 0.2, 0.5): a CONFIG line, then HTTP/1.1 requests, each forwarded to the target of
 * the certificate. Resolves when the tunnel is over; never rejects. `traffic` counts on while it runs.
 */
export async function serveHttp(
  stream: ByteStream,
  front: HttpFront,
  options: Omit<HttpSessionOptions, "config">,
  traffic: Traffic = { forward: 0, backward: 0 },
): Promise<PumpResult> {
  const duplex = new StreamDuplex(stream, traffic);
  let error: Error | null = null;
  const closed = new Promise<void>((resolve) => duplex.once("close", resolve));
  duplex.on("error", (cause: Error) => (error ??= cause));

  const config = await readConfig(duplex);
  if (config instanceof Error) {
    error ??= config;
    endWithError(duplex, 500, config);
  } else {
    const session = new HttpSession({ ...options, config });
    duplex.once("close", () => session.close());
    front.serve(duplex, session);
  }
  await closed;
  return { ...traffic, error };
}

async function readConfig(duplex: StreamDuplex): Promise<HttpConfig | Error> {
  try {
    return parseHttpConfig(await readFirstLine(duplex));
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
