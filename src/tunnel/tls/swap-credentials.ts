import { createServer } from "node:tls";
import type { SocketListener, TLSOptions } from "bun";

/**
 * Gives a running `Bun.listen` listener another certificate and other client authorities: handshakes from now on use
 * them, connections go on, none is lost. Bun 1.4.5 has this only behind `node:tls`'s documented `setSecureContext`,
 * which acts on the server's listener; so a server that never listens borrows ours. If the credentials cannot be used
 * it throws, and the listener keeps what it has.
 */
export function swapCredentials(listener: SocketListener<unknown>, tls: TLSOptions): void {
  const { cert, key, ca, secureOptions } = tls;
  // Without these options Bun drops the client authorities: every client is then refused.
  const server = createServer({ requestCert: true, rejectUnauthorized: false });
  Object.assign(server, { _handle: listener });
  server.setSecureContext({
    cert: String(cert),
    key: String(key),
    ca: String(ca),
    ...(secureOptions !== undefined && { secureOptions }),
  });
  Object.assign(server, { _handle: null });
}
