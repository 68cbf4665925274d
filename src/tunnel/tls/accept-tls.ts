import { SallyportError } from "../../telemetry/error.ts";
import { refusalOf } from "../refusal.ts";
import type { ByteStream } from "../stream.ts";
import type { Certificate } from "./certificate.ts";
import type { ServerIdentity, TlsConnection } from "./connection.ts";
import type { Agreed, Choice } from "./handshake.ts";
import { handshakeFailure, isPeerGone } from "./handshake-failure.ts";
import { requirePair } from "./own-identity.ts";
import { type MakeSession, runHandshake } from "./run-handshake.ts";
import { secureContext } from "./secure-context.ts";
import type { SessionRules } from "./tls-session.ts";
import { TrustBundle } from "./trust-bundle.ts";

export interface TlsAcceptance {
  identity: ServerIdentity;
  /**
   * What to agree on, ours first: the client is refused when it offers something, but none of these. With an empty
   * list we go on without a protocol.
   */
  choose: Choice;
  /** How the session ends, by what was agreed on. */
  rules: (alpn: string | null) => SessionRules;
  timeoutMs: number;
  /** Serve clients that know TLS 1.2 only too. */
  oldClients: boolean;
  /** The client proved who it is. */
  ready: (connection: TlsConnection) => void;
  /** It did not; null: it went away. */
  refused: (error: SallyportError | null) => void;
}

/** How long a client that was refused may take to close its side. */
const LINGER_MS = 1000;
/** Alerts (RFC 8446, 6.2). */
const UNKNOWN_CA = 48;
const CERTIFICATE_REQUIRED = 116;

/**
 * Mutual TLS over `far`, from the server's side: a client certificate that our own rules accept, no session tickets.
 * `far` belongs to the session, and ends when there is none. Returns what gives up an unfinished handshake.
 */
export function acceptTls(far: ByteStream, acceptance: TlsAcceptance): (error: Error) => void {
  const { identity, choose, timeoutMs, oldClients } = acceptance;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;
  const done = () => {
    over = true;
    clearTimeout(timer);
  };
  const terms = {
    role: "server",
    context: secureContext(identity, { oldClients }),
    choose,
  } as const;
  const stop = runHandshake(far, terms, {
    agreed(agreed, make) {
      done();
      judge(agreed, make, acceptance);
    },
    failed(error) {
      done();
      acceptance.refused(error && !isPeerGone(error) ? handshakeFailure(error, "client") : null);
      retire(far);
    },
  });
  const giveUp = (error: Error) => {
    if (over) return;
    stop(error);
    far.destroy(error);
  };
  if (over) return giveUp;
  timer = setTimeout(
    giveUp,
    timeoutMs,
    new SallyportError("TIMEOUT", "The client did not finish its TLS handshake in time."),
  );
  return giveUp;
}

/** @throws SallyportError CONFIG_INVALID */
export function requireUsable(identity: ServerIdentity): ServerIdentity {
  requirePair(identity);
  TrustBundle.parse(identity.clientAuthorities);
  secureContext(identity);
  return identity;
}

/** Nothing of the client's is delivered before its certificate is accepted. */
function judge(agreed: Agreed, make: MakeSession, { identity, rules, ready, refused }: TlsAcceptance): void {
  const { alpn } = agreed;
  const session = make(rules(alpn));
  let peer: Certificate;
  try {
    if (!agreed.peer) throw new SallyportError("CERTIFICATE_REFUSED", "The client sent no certificate.");
    peer = TrustBundle.parse(identity.clientAuthorities).verify(agreed.peer, "client", new Date());
  } catch (cause) {
    const refusal = handshakeFailure(cause, "client");
    refused(refusal);
    const reason = refusalOf(alpn, refusal);
    if (reason) session.write(reason);
    else session.refuse(agreed.peer ? UNKNOWN_CA : CERTIFICATE_REQUIRED);
    return retire(session);
  }
  ready({ stream: session, peer, alpn });
}

/** What was said still gets through, then the stream goes. */
function retire(stream: ByteStream): void {
  const timer = setTimeout(() => stream.destroy(new Error("refused")), LINGER_MS);
  stream.attach({
    data: (chunk) => stream.consumed(chunk.length),
    end() {},
    written() {},
    closed: () => clearTimeout(timer),
  });
  stream.end();
}
