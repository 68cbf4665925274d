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
  #bytes: Buffer = Buffer.alloc(0);

  constructor(private readonly peer: "server" | "client") {}

  /**
   * Takes the next bytes. @returns the line and what came after it, or null while it is incomplete
   * @throws SallyportError SSH_PROTOCOL
   */
  push(chunk: Buffer): Buffer | null {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (let start = 0; ; ) {
      const end = this.#bytes.indexOf(LINE_FEED, start);
      const length = (end < 0 ? this.#bytes.length : end + 1) - start;
      if (this.#isIdentification(start)) {
        if (length > LONGEST_LINE) throw protocolError("an identification line of more than 255 bytes");
        if (end >= 0) return this.#bytes.subarray(start);
      } else if (this.peer === "client" && length >= 4) throw protocolError("no identification line");
      if (end < 0) break;
      start = end + 1;
    }
    if (this.#bytes.length > LONGEST_GREETING) throw protocolError("no identification line");
    return null;
  }

  #isIdentification(start: number): boolean {
    return this.#bytes.subarray(start, start + 4).toString("latin1") === "SSH-";
  }
}
