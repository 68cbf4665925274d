import { Duplex } from "node:stream";
import { connect, type SecureContext, TLSSocket } from "node:tls";
import { SallyportError } from "../../telemetry/error.ts";
import { offeredProtocols } from "./client-hello.ts";
import { RecordOpener, type RecordReader, RecordSealer } from "./record-layer.ts";
import { SessionSecrets } from "./session-secrets.ts";

/** What both ends agree on once the handshake is over. */
export interface Agreed {
  alpn: string | null;
  /** The peer's certificate, DER; undefined when it sent none. */
  peer: Buffer | undefined;
  sealer: RecordSealer;
  opener(reader: RecordReader): RecordOpener;
  /**
   * A client's last messages, which show its certificate: not sent yet, so that nobody sees it whose own certificate is
   * not accepted. Empty at a server.
   */
  flight: Buffer;
  /** The alert that a client sends instead (RFC 8446, 6.2). */
  declined(alert: number): Buffer;
}

export type Terms =
  | {
      role: "client";
      context: SecureContext;
      protocols: readonly string[];
      /** SNI, if any. */
      serverName?: string | undefined;
    }
  | {
      role: "server";
      context: SecureContext;
      /** What to agree on, ours first; empty: nothing. */
      choose: Choice;
    };

/** Protocols, or who chooses them when the client's first message is here, knowing what it offers. */
export type Choice = readonly string[] | ((offered: readonly string[]) => readonly string[]);

const APPLICATION_DATA = 23;
/** The change of ciphers that is none comes before encrypted records, or a second hello (RFC 8446, D.4). */
const CHANGE_OF_CIPHERS = Buffer.from([20, 3, 3, 0, 1, 1]);

/**
 * A handshake by BoringSSL, over memory: records go in with `feed`, what has to be sent comes out. Bun's TLS
 * runs well on network sockets only (on any other stream it loses data after a half-close and knows no backpressure),
 * so it ends here: its key log gives the secrets, and the records that follow are `record-layer.ts`'s.
 *
 * Bun handles each record while it is fed, which a test holds it to; so it is known after which one the handshake is
 * over, and the next one is the first under the new keys.
 */
export class Handshake {
  readonly #terms: Terms;
  readonly #wire: Wire;
  readonly #failed: (error: Error) => void;
  readonly #secrets = new SessionSecrets();
  #tls: TLSSocket | null;
  #secure = false;
  #answered = false;
  #closed = false;
  #flight: Buffer[] = [];

  /** @param failed what BoringSSL finds wrong; its alert, if any, was sent before */
  constructor(terms: Terms, send: (records: Buffer) => void, failed: (error: Error) => void) {
    this.#terms = terms;
    this.#wire = new Wire((records) => {
      if (terms.role === "client" && isEncrypted(records)) return void this.#flight.push(records);
      if (terms.role === "server" && !this.#answered) this.#secrets.greeted(records);
      this.#answered = true;
      send(records);
    });
    // Before it is over the only encrypted thing that a client says is why it gives up.
    this.#failed = (error) => {
      for (const records of this.#flight.splice(0)) send(records);
      failed(error);
    };
    this.#tls =
      terms.role === "client" ? this.#follow(clientSocket(this.#wire, terms), "secureConnect") : null;
    // While the client's first message is on its way.
    if (terms.role === "server" && typeof terms.choose !== "function") {
      const { choose } = terms;
      queueMicrotask(() => {
        if (this.#closed) return;
        try {
          this.#tls ??= this.#serve(choose);
        } catch (error) {
          this.#failed(error instanceof Error ? error : new Error(String(error)));
        }
      });
    }
  }

  /** One whole record. Undefined while there is more to come. */
  feed(record: Buffer): Agreed | undefined {
    this.#tls ??= this.#greet(record);
    this.#wire.emit("data", record);
    return this.#secure && this.#secrets.complete ? this.#agreed(this.#tls) : undefined;
  }

  /** Sends and hears nothing from now on. Safe to call twice. */
  close(): void {
    this.#closed = true;
    this.#wire.mute();
    this.#tls?.destroy();
  }

  /** The client's offer decides which protocol to agree on, where that is left to it. */
  #greet(hello: Buffer): TLSSocket {
    const terms = this.#terms;
    if (terms.role === "client") throw new SallyportError("INTERNAL", "A client has to speak first.");
    const { choose } = terms;
    return this.#serve(typeof choose === "function" ? choose(offeredProtocols(hello)) : choose);
  }

  #serve(protocols: readonly string[]): TLSSocket {
    return this.#follow(serverSocket(this.#wire, this.#terms.context, protocols), "secure");
  }

  #follow(tls: TLSSocket, done: "secure" | "secureConnect"): TLSSocket {
    tls.on(done, () => {
      this.#secure = true;
    });
    tls.on("keylog", (line: Buffer) => this.#secrets.learn(line));
    tls.on("error", this.#failed);
    return tls;
  }

  #agreed(tls: TLSSocket): Agreed {
    const suite = tls.getCipher().name;
    const { client, server } = this.#secrets.protections(suite);
    const [ours, theirs] = this.#terms.role === "client" ? [client, server] : [server, client];
    const agreed: Agreed = {
      alpn: tls.alpnProtocol || null,
      // Not `getPeerX509Certificate`, which parses the whole chain: 0.1 ms.
      peer: tls.getPeerCertificate(false).raw,
      sealer: new RecordSealer(ours),
      opener: (reader) => new RecordOpener(theirs, reader),
      flight: Buffer.concat(this.#flight),
      declined: (alert) => new RecordSealer(this.#secrets.handshakeProtection(suite)).alert(alert),
    };
    this.close();
    return agreed;
  }
}

/** What a client writes at once is of one kind: in clear, or encrypted. */
function isEncrypted(records: Buffer): boolean {
  const { length } = CHANGE_OF_CIPHERS;
  const first = records.subarray(0, length).equals(CHANGE_OF_CIPHERS) ? length : 0;
  return records[first] === APPLICATION_DATA;
}

type ClientTerms = Extract<Terms, { role: "client" }>;

/** Certificates are judged by the caller, who can then say why; nothing is sent or delivered before. */
function clientSocket(wire: Wire, { context, protocols, serverName }: ClientTerms): TLSSocket {
  return connect({
    socket: wire,
    secureContext: context,
    ALPNProtocols: [...protocols],
    servername: serverName ?? "",
    minVersion: "TLSv1.3",
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
}

function serverSocket(wire: Wire, context: SecureContext, protocols: readonly string[]): TLSSocket {
  return new TLSSocket(wire, {
    isServer: true,
    secureContext: context,
    ...(protocols.length > 0 && { ALPNProtocols: [...protocols] }),
    requestCert: true,
    rejectUnauthorized: false,
  });
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
