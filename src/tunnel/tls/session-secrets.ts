import { SallyportError } from "../../telemetry/error.ts";
import { RecordKeys } from "./record-keys.ts";
import { tls12Keys } from "./record-keys-1.2.ts";
import { HEADER_LENGTH, type RecordProtection } from "./record-protection.ts";

/** Lines of the key log (SSLKEYLOGFILE format): secrets of the handshake's and of the first application keys, or TLS 1.2's. */
const LINE =
  /^(CLIENT_HANDSHAKE_TRAFFIC_SECRET|CLIENT_TRAFFIC_SECRET_0|SERVER_TRAFFIC_SECRET_0|CLIENT_RANDOM) ([0-9a-f]{64}) ([0-9a-f]{64,96})\s*$/;

/** Where the server's random bytes begin in the record that holds its hello: after two headers and the version. */
const RANDOM_AT = HEADER_LENGTH + 4 + 2;
const RANDOM_LENGTH = 32;

/** What a handshake gives away about the keys of what follows it. */
export class SessionSecrets {
  readonly #found = new Map<string, Buffer>();
  #clientRandom = Buffer.alloc(0);
  #serverRandom = Buffer.alloc(0);

  /** Whether the keys of the application's records are known. */
  get complete(): boolean {
    const found = this.#found;
    return (
      found.has("CLIENT_RANDOM") ||
      (found.has("CLIENT_TRAFFIC_SECRET_0") && found.has("SERVER_TRAFFIC_SECRET_0"))
    );
  }

  /** A line of the key log. */
  learn(line: Buffer): void {
    const [, label, random, secret] = LINE.exec(line.toString("latin1")) ?? [];
    if (!label || !random || !secret) return;
    this.#found.set(label, Buffer.from(secret, "hex"));
    this.#clientRandom = Buffer.from(random, "hex");
  }

  /** The first records that a server sends. */
  greeted(records: Buffer): void {
    this.#serverRandom = Buffer.from(records.subarray(RANDOM_AT, RANDOM_AT + RANDOM_LENGTH));
  }

  /** @throws SallyportError TLS_FAILED for a cipher suite that we do not know */
  protections(suite: string): { client: RecordProtection; server: RecordProtection } {
    const master = this.#found.get("CLIENT_RANDOM");
    if (master) {
      return tls12Keys({
        suite,
        master,
        clientRandom: this.#clientRandom,
        serverRandom: this.#serverRandom,
      });
    }
    return {
      client: this.#keys("CLIENT_TRAFFIC_SECRET_0", suite),
      server: this.#keys("SERVER_TRAFFIC_SECRET_0", suite),
    };
  }

  /** Of a client's messages within a TLS 1.3 handshake. @throws as above */
  handshakeProtection(suite: string): RecordProtection {
    return this.#keys("CLIENT_HANDSHAKE_TRAFFIC_SECRET", suite);
  }

  #keys(label: string, suite: string): RecordKeys {
    const secret = this.#found.get(label);
    if (!secret) throw new SallyportError("TLS_FAILED", "The TLS keys are not known.");
    return new RecordKeys(suite, secret);
  }
}
