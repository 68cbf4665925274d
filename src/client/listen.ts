import { asSallyportError, describe, type SallyportError } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import { joinTunnel } from "./join-tunnel.ts";
import { type LocalConnection, type LocalPort, openLocalServer } from "./local-server.ts";
import type { OpenedTunnel } from "./tunnel.ts";

export interface LocalPortOptions {
  hostname: string;
  /** 0 takes a free one. */
  port: number;
  /** Called once for each local connection. */
  open: () => Promise<OpenedTunnel>;
  log: Logger;
  /** A tunnel could not be opened, or broke: logged unless given. The local connection has been reset. */
  onError?: (error: SallyportError) => void;
}

/**
 * A local port whose connections each get a tunnel of their own.
 * @throws SallyportError PORT_IN_USE, CONFIG_INVALID
 */
export async function listenLocal(options: LocalPortOptions): Promise<LocalPort> {
  const { hostname, port, open, log, onError } = options;
  const report =
    onError ??
    ((error: SallyportError) => log.warn("Connection failed", { code: error.code, reason: error.message }));
  const serve = async ({ stream, settled }: LocalConnection): Promise<void> => {
    let tunnel: OpenedTunnel;
    try {
      tunnel = await open();
    } catch (error) {
      const failure = asSallyportError(error, "INTERNAL", "The tunnel could not be opened");
      report(failure);
      return stream.destroy(failure);
    } finally {
      settled();
    }
    log.debug("Tunnel opened", {
      milliseconds: Math.round(tunnel.connectMs),
      gatewaySerial: tunnel.gatewaySerial,
    });
    const { forward, backward, error, broken } = await joinTunnel(stream, tunnel);
    log.debug("Tunnel closed", {
      bytesUp: forward,
      bytesDown: backward,
      cause: error ? describe(error) : "ended",
    });
    if (broken) report(asSallyportError(broken, "TLS_FAILED", "The tunnel broke"));
  };
  return openLocalServer({ hostname, port, serve, onShortage: report });
}
