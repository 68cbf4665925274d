import { LONGEST_GREETING } from "./limits.ts";
import { protocolError } from "./messages.ts";

const LINE_FEED = 10;
/** RFC 4253, 4.2: 255 bytes with the line end. */
const LONGEST_LINE = 255;

/**
 * Waits for the peer's identification line, which may come in pieces (ssh2 wants it whole), and drops the lines that a
 * server may send before it.
 */
export class Identification {
  /** From the start of the line that is incomplete. */
  #bytes: Buffer = Buffer.alloc(0);
  #dropped = 0;

  constructor(private readonly peer: "server" | "client") {}

  /**
   * Takes the next bytes. @returns the line and what came after it, or null while it is incomplete
   * @throws SallyportError SSH_PROTOCOL
   */
  push(chunk: Buffer): Buffer | null {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const end = this.#bytes.indexOf(LINE_FEED) + 1;
      const length = end || this.#bytes.length;
      if (this.#bytes.subarray(0, 4).toString("latin1") === "SSH-") {
        if (length > LONGEST_LINE) throw protocolError("an identification line of more than 255 bytes");
        return end ? this.#bytes : null;
      }
      if (this.peer === "client" && length >= 4) throw protocolError("no identification line");
      if (this.#dropped + length > LONGEST_GREETING) throw protocolError("no identification line");
      if (!end) return null;
      this.#dropped += end;
      this.#bytes = this.#bytes.subarray(end);
    }
  }
}
