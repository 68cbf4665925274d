import type { HostPort } from "../../host/address.ts";
import type { SallyportError } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";
import { type LocalConnection, type LocalPort, openLocalServer } from "../local-server.ts";
import type { OpenedTunnel } from "../tunnel.ts";
import type { Login } from "./socks5.ts";

/** A local proxy of either kind. */
export interface ProxyPortOptions {
  hostname: string;
  /** 0 takes a free one. */
  port: number;
  /** @throws SallyportError why the target can't be reached */
  open: (target: HostPort) => Promise<OpenedTunnel>;
  /** What programs have to show; nothing unless given. */
  login?: Login | undefined;
  log: Logger;
  /** A program was refused, or its target can't be reached; it has been told. */
  onError?: (error: SallyportError) => void;
  /** Connections at once. */
  limit?: number;
  /** For a program to say what it wants; milliseconds. */
  greetingMs?: number;
}

const LIMIT = 1000;
const GREETING_MS = 10_000;

export type Ready = Required<Pick<ProxyPortOptions, "greetingMs">> & {
  report: (error: SallyportError) => void;
};

/** @throws SallyportError PORT_IN_USE, CONFIG_INVALID */
export function openProxyPort(
  options: ProxyPortOptions,
  flag: string,
  serve: (connection: LocalConnection, ready: Ready) => Promise<void>,
): LocalPort {
  const { hostname, port, log, onError, limit = LIMIT, greetingMs = GREETING_MS } = options;
  const report =
    onError ??
    ((error: SallyportError) => log.warn("Connection failed", { code: error.code, reason: error.message }));
  const ready = { greetingMs, report };
  return openLocalServer({
    hostname,
    port,
    flag,
    limit,
    serve: (connection) => serve(connection, ready),
    onShortage: report,
  });
}
