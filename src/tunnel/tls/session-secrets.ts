import { SallyportError } from "../../telemetry/error.ts";
import { RecordKeys } from "./record-keys.ts";
import { tls12Keys } from "./record-keys-1.2.ts";
import { HEADER_LENGTH, type RecordProtection } from "./record-protection.ts";

/** Lines of the key log (SSLKEYLOGFILE format): the secrets of the first application keys, or TLS 1.2's master secret. */
const LINE =
  /^(CLIENT_TRAFFIC_SECRET_0|SERVER_TRAFFIC_SECRET_0|CLIENT_RANDOM) ([0-9a-f]{64}) ([0-9a-f]{64,96})\s*$/;

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
    return this.#found.has("CLIENT_RANDOM") || this.#found.size === 2;
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
    const keys = (label: string) => {
      const secret = this.#found.get(label);
      if (!secret) throw new SallyportError("TLS_FAILED", "The TLS keys are not known.");
      return new RecordKeys(suite, secret);
    };
    return { client: keys("CLIENT_TRAFFIC_SECRET_0"), server: keys("SERVER_TRAFFIC_SECRET_0") };
  }
}
