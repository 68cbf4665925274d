import { EventStreamParser, type ServerSentEvent } from "../../src/platform-client/sse.ts";
import type { TestPlatform } from "./platform.ts";

/** Follows a platform's event stream as relays, gateways and the UI do. */
export class EventReader {
  readonly events: (ServerSentEvent & { body: Record<string, unknown> })[] = [];
  /** Resolves when the platform has ended the stream. */
  readonly ended: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #wake = () => {};

  private constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
    this.ended = this.#read();
  }

  static async open(
    platform: TestPlatform,
    token: string,
    options: { lastEventId?: string; relayName?: string; as?: "gateway" | "relay" } = {},
  ): Promise<EventReader> {
    const { relayName, as } = options;
    const query = relayName ? `?relayName=${relayName}` : as ? `?as=${as}` : "";
    const headers = new Headers({ authorization: `Bearer ${token}` });
    if (options.lastEventId !== undefined) headers.set("last-event-id", options.lastEventId);
    const request = new Request(`http://platform.test/api/v1/events${query}`, { headers });
    const response = await platform.api.fetch(request, "192.0.2.1");
    if (response.status !== 200 || !response.body) {
      throw new Error(`The stream was refused: ${response.status} ${await response.text()}`);
    }
    return new EventReader(response.body);
  }

  get types(): string[] {
    return this.events.map((event) => event.type);
  }

  /** Waits until the nth event of this type is there, counted from 0. */
  async next(type: string, nth = 0): Promise<ServerSentEvent & { body: Record<string, unknown> }> {
    for (;;) {
      const found = this.events.filter((event) => event.type === type)[nth];
      if (found) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async close(): Promise<void> {
    await this.#reader.cancel();
  }

  async #read(): Promise<void> {
    const parser = new EventStreamParser();
    for (;;) {
      const { value, done } = await this.#reader.read();
      if (done) return;
      for (const event of parser.push(value)) {
        this.events.push({ ...event, body: JSON.parse(event.data) });
        this.#wake();
      }
    }
  }
}
