/** What a TLS handshake agrees on: how the relay answers (outer), what the tunnel carries (inner). PROTOCOL D, EXTENSIONS X5. */
export const ALPN = {
  /** Outer: the relay says with one line how it went. */
  relay: "sallyport-relay/1",
  /** Outer: the same, and each side's TLS ends with close_notify where the inner session needs no second one. */
  relayAside: "sallyport-relay/2",
  tcp: "infisical-tcp-proxy",
  http: "infisical-http-proxy",
  ping: "infisical-ping",
  health: "infisical-health",
  /** Inner: `infisical-tcp-proxy` with a status line of the gateway first. */
  sallyportTcp: "sallyport-tcp/1",
  /** Inner: many tunnels of the kind `sallyport-tcp/1` in one session, each with its own status line. */
  sallyportMux: "sallyport-mux/1",
  /** Inner: `infisical-http-proxy` whose ends are held to close_notify, and whose failures have exact statuses. */
  sallyportHttp: "sallyport-http/1",
} as const;

/** Both ends are ours: a TLS stream that ends without close_notify was cut short. Others may not say it (PROTOCOL 0.5). */
export function isOwnMode(alpn: string | null): boolean {
  return alpn === ALPN.sallyportTcp || alpn === ALPN.sallyportHttp || alpn === ALPN.sallyportMux;
}

/** Whether the relay answers with a status line. */
export function saysWhy(alpn: string | null): boolean {
  return alpn === ALPN.relay || alpn === ALPN.relayAside;
}

/** The list as Bun's `ALPNProtocols` wants it: each name after a byte with its length (RFC 7301, 3.1). */
export function encodeProtocols(protocols: readonly string[]): Buffer {
  const names = protocols.map((protocol) => Buffer.from(protocol, "latin1"));
  return Buffer.concat(names.flatMap((name) => [Buffer.from([name.length]), name]));
}

/** The names that a peer offers, each after a byte with its length (RFC 7301, 3.1). A list that is cut off ends early. */
export function decodeProtocols(wire: Uint8Array): string[] {
  const bytes = Buffer.from(wire);
  const protocols: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at + 1;
    at = start + (bytes[at] ?? 0);
    if (at <= bytes.length) protocols.push(bytes.toString("latin1", start, at));
  }
  return protocols;
}
