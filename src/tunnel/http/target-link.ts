import { PulledStream } from "../pulled-stream.ts";
import type { ByteStream } from "../stream.ts";

/** Where requests of one connection go. */
export interface Place {
  /** Requests with the same key may share a connection. */
  key: string;
  /** @throws SallyportError; the signal's reason */
  connect(signal: AbortSignal): Promise<ByteStream>;
}

/** The one connection to a target that a client's connection has: in use, or kept for the next request. */
export class TargetLink {
  #kept: { key: string; target: PulledStream; timer: ReturnType<typeof setTimeout> } | undefined;

  /** @param keptMs how long an idle one is kept */
  constructor(private readonly keptMs: number) {}

  /** The kept connection, if it leads there and still lives, or a new one. @throws what `connect` throws */
  async take(place: Place, signal: AbortSignal): Promise<{ target: PulledStream; reused: boolean }> {
    const kept = this.#kept;
    this.#kept = undefined;
    clearTimeout(kept?.timer);
    if (kept?.key === place.key && kept.target.quiet) return { target: kept.target, reused: true };
    kept?.target.destroy(new Error("not wanted any more"));
    return { target: new PulledStream(await place.connect(signal)), reused: false };
  }

  /** Gives a connection back that can carry another request. */
  keep({ key }: Place, target: PulledStream): void {
    this.close();
    if (target.quiet) this.#kept = { key, target, timer: setTimeout(() => this.close(), this.keptMs) };
    else target.destroy(new Error("the target has closed it"));
  }

  /** Drops what is kept. Safe to call twice. */
  close(): void {
    const kept = this.#kept;
    this.#kept = undefined;
    clearTimeout(kept?.timer);
    kept?.target.destroy(new Error("not wanted any more"));
  }
}
