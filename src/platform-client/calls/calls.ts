import type { Call, Transport } from "../transport.ts";

export type Ask = { signal?: AbortSignal };

type Request = Omit<Call<never>, "answer">;

/** The calls about one subject. Every method makes one call, without retry. */
export abstract class Calls {
  protected readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  protected call: Transport["call"] = (call) => this.transport.call(call);
}

/** A path whose parts can't lead elsewhere: path`/v1/members/${who}`. */
export function path(strings: TemplateStringsArray, ...parts: string[]): string {
  return String.raw({ raw: strings }, ...parts.map((part) => encodeURIComponent(part)));
}

/** The path with what is given of a filter. */
export function filtered(plain: string, filter: object): string {
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
  return query === "" ? plain : `${plain}?${query}`;
}

export function get(where: string, ask: Ask = {}): Request {
  return { method: "GET", path: where, signal: ask.signal };
}

export function post(where: string, body: unknown, ask: Ask = {}): Request {
  return { method: "POST", path: where, body, signal: ask.signal };
}

export function patch(where: string, body: unknown): Request {
  return { method: "PATCH", path: where, body };
}

export function del(where: string, body?: unknown): Request {
  return { method: "DELETE", path: where, body };
}
