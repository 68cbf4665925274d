import { asSallyportError, SallyportError } from "../../telemetry/error.ts";
import type { ByteStream } from "../stream.ts";
import { type Agreed, Handshake, type Terms } from "./handshake.ts";
import { recordLength } from "./record-layer.ts";
import { HEADER_LENGTH } from "./record-protection.ts";
import { type SessionRules, TlsSession } from "./tls-session.ts";

/** Both flights together, with certificates of the largest size. */
const HANDSHAKE_LIMIT = 256 * 1024;

export type MakeSession = (rules: SessionRules) => TlsSession;

/** For a client: ends the handshake with an alert instead. */
export type Decline = (alert: number) => void;

export interface HandshakeOutcome {
  /**
   * The peer proved that it holds its certificate's key; whose that is, is still to be judged. The session has to be
   * made before this returns: what comes afterwards is for it.
   */
  agreed(agreed: Agreed, make: MakeSession, decline: Decline): void;
  /** There is no session; null: the far stream closed. Our alert, if any, has been written to it. */
  failed(error: Error | null): void;
}

/**
 * Runs a handshake over `far`, which belongs to it until the outcome, of which there is exactly one. Returns what gives
 * up, for a deadline or an abort.
 */
export function runHandshake(
  far: ByteStream,
  terms: Terms,
  outcome: HandshakeOutcome,
): (error: Error) => void {
  let over = false;
  let partial = Buffer.alloc(0);
  let received = 0;
  let unsent = 0;
  const fail = (error: Error | null) => {
    if (over) return;
    over = true;
    handshake.close();
    outcome.failed(error);
  };
  const send = (records: Buffer) => {
    unsent += records.length;
    far.write(records);
  };
  const handshake = new Handshake(terms, send, fail);
  const finish = (agreed: Agreed, rest: Buffer) => {
    over = true;
    const make: MakeSession = (rules) => {
      if (agreed.flight.length > 0) send(agreed.flight);
      const session = new TlsSession(far, agreed, rules, unsent);
      if (rest.length > 0) session.farHandler.data(rest);
      far.attach(session.farHandler);
      return session;
    };
    outcome.agreed(agreed, make, (alert) => send(agreed.declined(alert)));
  };
  const take = (chunk: Buffer) => {
    const bytes = Buffer.concat([partial, chunk]);
    const before = partial.length;
    let at = 0;
    while (!over && bytes.length - at >= HEADER_LENGTH) {
      const whole = recordLength(bytes, at);
      if (bytes.length - at < whole) break;
      const agreed = handshake.feed(Buffer.from(bytes.subarray(at, at + whole)));
      at += whole;
      if (!agreed) continue;
      far.consumed(Math.max(0, at - before));
      return finish(agreed, Buffer.from(bytes.subarray(at)));
    }
    partial = Buffer.from(bytes.subarray(at));
    far.consumed(chunk.length);
  };

  far.attach({
    data(chunk) {
      received += chunk.length;
      if (over) return far.consumed(chunk.length);
      try {
        if (received > HANDSHAKE_LIMIT)
          throw new SallyportError("TLS_FAILED", "The TLS handshake is too long.");
        take(chunk);
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    },
    // BoringSSL tells of the alert that may have come before only in the next turn.
    end: () => void setImmediate(fail, null),
    written(bytes) {
      unsent -= bytes;
    },
    closed: (error) => fail(error && asSallyportError(error, "TLS_FAILED", "The connection broke")),
  });
  return fail;
}
