import { EventStreamParser } from "../../src/platform-client/sse.ts";

/** Follows a platform's event stream over HTTP as a browser does: whenever it ends, from the last event that it has. */
export class EventFollower {
  readonly ids: number[] = [];
  readonly types: string[] = [];
  /** How often it has begun, and how often it was told everything at once. */
  begun = 0;
  snapshots = 0;
  readonly #stop = new AbortController();
  readonly #url: string;
  readonly #token: string;
  #last: string | undefined;
  readonly #over: Promise<void>;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
    this.#over = this.#follow();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#over;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#read();
      } catch {
        // The connection broke, or nobody answers: what is missing shows in the events.
      }
      if (!signal.aborted) await Bun.sleep(100);
    }
  }

  async #read(): Promise<void> {
    const response = await fetch(`${this.#url}/api/v1/events`, {
      keepalive: false,
      signal: this.#stop.signal,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(this.#last !== undefined && { "last-event-id": this.#last }),
      },
    });
    if (!response.ok || !response.body) throw new Error(`refused: ${response.status}`);
    this.begun++;
    const parser = new EventStreamParser();
    for await (const chunk of response.body) {
      for (const { id, type } of parser.push(chunk)) {
        this.#last = id;
        if (type === "snapshot") this.snapshots++;
        else {
          this.ids.push(Number(id));
          this.types.push(type);
        }
      }
    }
  }
}
