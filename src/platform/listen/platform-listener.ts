import { formatHostPort } from "../../host/address.ts";
import { matchAddresses } from "../../host/address-ranges.ts";
import type { Logger } from "../../telemetry/log.ts";
import { type Api, BODY_LIMIT } from "../api/api.ts";
import { listenHttp } from "./http-listener.ts";
import { followTlsFiles, readTlsPair, type TlsFiles, type TlsPair } from "./tls-files.ts";

export interface ListenOptions {
  listen: { hostname: string; port: number };
  /** Where people and agents reach this platform. Needed unless it listens on loopback. */
  publicUrl?: string | undefined;
  /** Speak TLS with this certificate; read again when it changes. Without it plain HTTP, for a proxy in front. */
  tls?: TlsFiles | undefined;
  /** Addresses and CIDRs of proxies whose word on who calls, and by which scheme, counts. */
  trustedProxies?: string[] | undefined;
  log: Logger;
}

export interface PlatformListener {
  readonly port: number;
  /** Takes no new connection, and resolves once every request is answered. */
  drain(): Promise<void>;
  /** Cuts whatever is left. */
  close(): Promise<void>;
}

/**
 * The platform's port, with a certificate of its own or for a proxy in front.
 * @throws SallyportError PORT_IN_USE, CONFIG_INVALID, FILE_UNREADABLE
 */
export async function openListener(options: ListenOptions, api: Api): Promise<PlatformListener> {
  const { listen, tls, trustedProxies = [], log } = options;
  const pair = tls && (await readTlsPair(tls));
  if (pair) warnOf(pair, options);
  const http = listenHttp({
    ...listen,
    tls: pair,
    isProxy: matchAddresses(trustedProxies),
    // A backstop: the API refuses at its own limit, in its own words.
    bodyLimit: 2 * BODY_LIMIT,
    answer: (request, { address, https }) => api.fetch(request, address, https),
  });
  const take = (next: TlsPair) => {
    warnOf(next, options);
    http.changeTls(next);
  };
  const files = tls && followTlsFiles(tls, take, { log });
  return {
    port: http.port,
    async drain() {
      files?.close();
      await http.drain();
    },
    async close() {
      files?.close();
      await http.close();
    },
  };
}

/** What works for us and for nobody who checks. */
function warnOf({ expiresAt, subject, covers }: TlsPair, { listen, publicUrl, log }: ListenOptions): void {
  if (expiresAt <= new Date()) {
    log.error("The TLS certificate has expired: nobody will trust it", {
      expiresAt: expiresAt.toISOString(),
    });
  }
  const { hostname } = new URL(publicUrl ?? `https://${formatHostPort(listen.hostname, 443)}`);
  const host = hostname.replace(/^\[|\]$/g, "");
  if (covers(host)) return;
  log.warn("The TLS certificate is not made out to the host of the public URL", { host, subject });
}
