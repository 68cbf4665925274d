import { describe, SallyportError } from "../telemetry/error.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { formatHostPort, type HostPort } from "./address.ts";

export interface MetricsServer {
  readonly port: number;
  /** `host:port`. */
  readonly address: string;
  close(): void;
}

const IDLE_SECONDS = 30;

/** Prometheus reads here: `GET /metrics`, and nothing else. @throws SallyportError PORT_IN_USE */
export function serveMetrics({ host, port }: HostPort, metrics: Metrics): MetricsServer {
  try {
    const server = Bun.serve({
      hostname: host,
      port,
      idleTimeout: IDLE_SECONDS,
      maxRequestBodySize: 0,
      async fetch(request) {
        const { pathname } = new URL(request.url);
        if (request.method !== "GET" || pathname !== "/metrics") {
          return new Response("GET /metrics\n", { status: 404 });
        }
        return new Response(await metrics.text(), { headers: { "content-type": metrics.contentType } });
      },
    });
    const bound = server.port ?? port;
    return { port: bound, address: formatHostPort(host, bound), close: () => void server.stop(true) };
  } catch (cause) {
    throw new SallyportError(
      "PORT_IN_USE",
      `Cannot serve metrics on ${formatHostPort(host, port)}: ${describe(cause)}. Give --metrics another port.`,
      { cause },
    );
  }
}

/**
 * Reads `--metrics`: a port, on loopback then, or `host:port` for who knows what they do.
 * @throws SallyportError USAGE
 */
export function parseMetricsAddress(text: string): HostPort {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/@]+)):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match && port <= 65_535) return { host: match[1] ?? match[2] ?? "127.0.0.1", port };
  throw new SallyportError("USAGE", "--metrics takes a port or host:port, for example 127.0.0.1:9464.");
}
