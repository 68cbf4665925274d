import { z } from "zod";
import { messageAnswer } from "./answers.ts";
import type { Transport } from "./transport.ts";

const text = z.string().max(4096);
const short = z.string().max(256);
const time = z.string().max(64).nullish();
const seconds = z.number().int().nonnegative();

const destination = z.object({
  id: short,
  name: short,
  kind: short,
  url: text.nullish(),
  rules: z.array(short).max(100),
  afterSeconds: seconds,
  createdAt: time,
  /** Of a new webhook, once. */
  secret: text.optional(),
});
export type AlertDestination = z.infer<typeof destination>;

const alert = z.object({
  id: short,
  rule: short,
  subject: z.object({ kind: short, id: short, name: short }),
  title: text,
  text,
  fix: text,
  since: time,
  raisedAt: time,
  until: time,
  deliveries: z
    .array(
      z.object({
        destination: short,
        event: short,
        attempts: seconds,
        deliveredAt: time,
        failedAt: time,
        nextAttemptAt: time,
        lastError: text.nullish(),
      }),
    )
    .max(1000),
});
const alertPage = z.object({ alerts: z.array(alert).max(1000), next: short.nullable() });
export type AlertPage = z.infer<typeof alertPage>;

export interface NewDestination {
  name: string;
  kind: "webhook" | "log";
  url?: string;
  /** PEM. */
  caCertificate?: string;
  /** All unless told. */
  rules?: string[];
  afterSeconds?: number;
}

/** Times are RFC 3339; `cursor` is `next` of the page before. */
export interface AlertFilter {
  since?: string;
  until?: string;
  open?: boolean;
  limit?: number;
  cursor?: string;
}

/** The calls about alerts: only of Sallyport's platform. */
export class AlertCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  history(filter: AlertFilter = {}): Promise<AlertPage> {
    const given = Object.entries(filter).filter(([, value]) => value !== undefined);
    const query = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
    const path = query === "" ? "/v1/alerts" : `/v1/alerts?${query}`;
    return this.#call({ method: "GET", path, answer: alertPage });
  }

  destinations(): Promise<AlertDestination[]> {
    return this.#call({ method: "GET", path: DESTINATIONS, answer: z.array(destination).max(1000) });
  }

  create(body: NewDestination): Promise<AlertDestination> {
    return this.#call({ method: "POST", path: DESTINATIONS, body, answer: destination });
  }

  async delete(idOrName: string): Promise<void> {
    await this.#call({ method: "DELETE", path: pathOf(idOrName), answer: destination });
  }

  /** Resolves when a test has arrived there; a refusal says why it did not. */
  async test(idOrName: string): Promise<void> {
    await this.#call({ method: "POST", path: `${pathOf(idOrName)}/test`, body: {}, answer: messageAnswer });
  }

  #call: Transport["call"] = (call) => this.#transport.call(call);
}

const DESTINATIONS = "/v1/alerts/destinations";

function pathOf(idOrName: string): string {
  return `${DESTINATIONS}/${encodeURIComponent(idOrName)}`;
}
