import { SallyportError } from "../telemetry/error.ts";

/** One event of a stream; `type` is "message" where none was named. */
export interface ServerSentEvent {
  /** The last id that the stream has named so far. */
  id: string;
  type: string;
  data: string;
}

/** A snapshot of everything is the largest that comes: ids and serials, far below this. */
const EVENT_BYTES = 8 * 1024 * 1024;

/**
 * Reads server-sent events from chunks as they come (HTML standard, "Interpreting an event stream"). Comments and
 * unknown fields are dropped.
 */
export class EventStreamParser {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #id = "";
  #type = "";
  #data: string[] = [];
  #size = 0;

  /** @throws SallyportError PLATFORM_ERROR for an event without end */
  push(chunk: Uint8Array): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = this.#read(line.endsWith("\r") ? line.slice(0, -1) : line);
      if (event) events.push(event);
    }
    if (this.#rest.length + this.#size <= EVENT_BYTES) return events;
    throw new SallyportError(
      "PLATFORM_ERROR",
      "The platform's event stream has an event of more than 8 MiB.",
    );
  }

  /** The event that this line completes, if any. */
  #read(line: string): ServerSentEvent | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id" && !value.includes("\0")) this.#id = value;
    if (field === "event") this.#type = value;
    if (field === "data") {
      this.#data.push(value);
      this.#size += value.length;
    }
    return undefined;
  }

  #dispatch(): ServerSentEvent | undefined {
    const event = { id: this.#id, type: this.#type || "message", data: this.#data.join("\n") };
    const complete = this.#data.length > 0;
    this.#type = "";
    this.#data = [];
    this.#size = 0;
    return complete ? event : undefined;
  }
}
