import { Duplex } from "node:stream";
import { connect, type SecureContext, TLSSocket } from "node:tls";
import { SallyportError } from "../../telemetry/error.ts";
import { RecordKeys } from "./record-keys.ts";
import { RecordOpener, type RecordReader, RecordSealer } from "./record-layer.ts";

/** What both ends agree on once the handshake is over. */
export interface Agreed {
  alpn: string | null;
  /** The peer's certificate, DER; undefined when it sent none. */
  peer: Buffer | undefined;
  /** Why TLS itself does not accept that certificate; null when it does. */
  complaint: Error | null;
  sealer: RecordSealer;
  opener(reader: RecordReader): RecordOpener;
}

export type Terms =
  | { role: "client"; context: SecureContext; alpns: readonly string[] }
  | { role: "server"; context: SecureContext; alpns: readonly string[] };

/** Lines of the key log (SSLKEYLOGFILE format) with the secrets of the first application keys. */
const SECRET = /^(CLIENT|SERVER)_TRAFFIC_SECRET_0 [0-9a-f]{64} ([0-9a-f]{64,96})\s*$/;

/**
 * A TLS 1.3 handshake by BoringSSL, over memory: records go in with `feed`, what has to be sent comes out. Bun's TLS
 * runs well on network sockets only (on any other stream it loses data after a half-close and knows no backpressure),
 * so it ends here: its key log gives the secrets, and the records that follow are `record-layer.ts`'s.
 *
 * Bun handles each record while it is fed, which a test holds it to; so it is known after which one the handshake is
 * over, and the next one is the first under the new keys.
 */
export class Handshake {
  readonly #terms: Terms;
  readonly #wire: Wire;
  readonly #tls: TLSSocket;
  readonly #secrets = new Map<string, Buffer>();
  #secure = false;

  /** @param failed what BoringSSL finds wrong; its alert, if any, was sent before */
  constructor(terms: Terms, send: (records: Buffer) => void, failed: (error: Error) => void) {
    this.#terms = terms;
    this.#wire = new Wire(send);
    this.#tls = terms.role === "client" ? clientSocket(this.#wire, terms) : serverSocket(this.#wire, terms);
    this.#tls.on(terms.role === "client" ? "secureConnect" : "secure", () => {
      this.#secure = true;
    });
    this.#tls.on("keylog", (line: Buffer) => this.#learn(line));
    this.#tls.on("error", failed);
  }

  /** One whole record. Undefined while there is more to come. */
  feed(record: Buffer): Agreed | undefined {
    this.#wire.emit("data", record);
    return this.#secure && this.#secrets.size === 2 ? this.#agreed() : undefined;
  }

  /** Sends and hears nothing from now on. Safe to call twice. */
  close(): void {
    this.#wire.mute();
    this.#tls.destroy();
  }

  #agreed(): Agreed {
    const { role } = this.#terms;
    const keys = (side: "CLIENT" | "SERVER") => {
      const secret = this.#secrets.get(side);
      if (!secret) throw new SallyportError("TLS_FAILED", "The TLS keys are not known.");
      return new RecordKeys(this.#tls.getCipher().name, secret);
    };
    const [ours, theirs] =
      role === "client" ? (["CLIENT", "SERVER"] as const) : (["SERVER", "CLIENT"] as const);
    const theirKeys = keys(theirs);
    const { authorized, authorizationError, alpnProtocol } = this.#tls;
    const agreed: Agreed = {
      alpn: alpnProtocol || null,
      // Not `getPeerX509Certificate`, which parses the whole chain: 0.1 ms.
      peer: this.#tls.getPeerCertificate(false).raw,
      complaint: authorized ? null : complaintOf(authorizationError),
      sealer: new RecordSealer(keys(ours)),
      opener: (reader) => new RecordOpener(theirKeys, reader),
    };
    this.close();
    return agreed;
  }

  #learn(line: Buffer): void {
    const match = SECRET.exec(line.toString("latin1"));
    if (match?.[1] && match[2]) this.#secrets.set(match[1], Buffer.from(match[2], "hex"));
  }
}

/** Certificates are judged by the caller, who can then say why; nothing is sent or delivered before. */
function clientSocket(wire: Wire, { context, alpns }: Terms): TLSSocket {
  return connect({
    socket: wire,
    secureContext: context,
    ALPNProtocols: [...alpns],
    servername: "",
    minVersion: "TLSv1.3",
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
}

function serverSocket(wire: Wire, { context, alpns }: Terms): TLSSocket {
  return new TLSSocket(wire, {
    isServer: true,
    secureContext: context,
    ALPNProtocols: [...alpns],
    requestCert: true,
    rejectUnauthorized: false,
  });
}

function complaintOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error ?? "the certificate is not authorised"));
}

/** The stream under BoringSSL: what it writes is sent, what is emitted it reads. */
class Wire extends Duplex {
  #send: ((records: Buffer) => void) | null;

  constructor(send: (records: Buffer) => void) {
    super();
    this.#send = send;
  }

  mute(): void {
    this.#send = null;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#send?.(Buffer.from(chunk));
    done();
  }
}
