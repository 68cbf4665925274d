import { SallyportError } from "../../telemetry/error.ts";
import type { ByteStream } from "../stream.ts";
import type { Certificate } from "./certificate.ts";
import type { ClientIdentity, TlsConnection } from "./connection.ts";
import type { Agreed } from "./handshake.ts";
import { dialFailure } from "./handshake-failure.ts";
import { type Decline, type MakeSession, runHandshake } from "./run-handshake.ts";
import { secureContext } from "./secure-context.ts";
import type { SessionRules } from "./tls-session.ts";
import { TrustBundle } from "./trust-bundle.ts";

export interface TlsDial {
  identity: ClientIdentity;
  /** The name to ask for (SNI), if any; `checkName` is what checks. */
  serverName?: string;
  /** How messages call the server: "the relay relay.example:8443". */
  server: string;
  /** Offered in this order. */
  protocols: readonly string[];
  /** Key agreement, where it is not to be the default (secure-context.ts). */
  groups?: string;
  /** Whether the certificate, which chains to our authorities, is that of the server we mean. @throws SallyportError */
  checkName: (certificate: Certificate) => void;
  /** How the session ends, by what was agreed on. */
  rules: (alpn: string | null) => SessionRules;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

const BAD_CERTIFICATE = 42;

/**
 * Mutual TLS 1.3 over `far`, from the client's side. `far` belongs to the result: it ends with it, and is destroyed
 * when this fails. The server may refuse us only after this has resolved (RFC 8446, 4.4.4).
 * @throws SallyportError TLS_UNTRUSTED, TLS_FAILED, CERTIFICATE_REFUSED, MODE_UNSUPPORTED, TIMEOUT, CONFIG_INVALID; the signal's reason
 */
export async function dialTls(far: ByteStream, dial: TlsDial): Promise<TlsConnection> {
  try {
    return await shakeHands(far, dial);
  } catch (error) {
    far.destroy(error instanceof Error ? error : undefined);
    throw error;
  }
}

function shakeHands(far: ByteStream, dial: TlsDial): Promise<TlsConnection> {
  const { identity, protocols, groups, server, serverName, timeoutMs, signal } = dial;
  const authorities = TrustBundle.parse(identity.serverAuthorities);
  const context = secureContext(identity, groups === undefined ? {} : { groups });
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    let stopped: unknown;
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    const stop = (reason: unknown) => {
      stopped = reason;
      giveUp(new Error("given up"));
    };
    const abort = () => stop(signal?.reason);
    const timer = setTimeout(() => {
      const within = `within ${timeoutMs / 1000} s`;
      stop(new SallyportError("TIMEOUT", `TLS with ${server} was not set up ${within}.`));
    }, timeoutMs);
    signal?.addEventListener("abort", abort, { once: true });
    const giveUp = runHandshake(
      far,
      { role: "client", context, protocols, serverName },
      {
        agreed(agreed, make, decline) {
          done();
          try {
            resolve(judge(agreed, { make, decline }, authorities, dial));
          } catch (error) {
            reject(error);
          }
        },
        failed(error) {
          done();
          reject(stopped ?? dialFailure(error, dial));
        },
      },
    );
  });
}

/** The server's certificate is judged before it gets to see ours. */
function judge(
  agreed: Agreed,
  { make, decline }: { make: MakeSession; decline: Decline },
  authorities: TrustBundle,
  dial: TlsDial,
): TlsConnection {
  const { alpn } = agreed;
  try {
    if (!agreed.peer) throw new Error("it sent no certificate");
    const peer = authorities.verify(agreed.peer, "server", new Date());
    dial.checkName(peer);
    return { stream: make(dial.rules(alpn)), peer, alpn };
  } catch (cause) {
    const failure = dialFailure(cause, dial);
    decline(BAD_CERTIFICATE);
    throw failure;
  }
}
