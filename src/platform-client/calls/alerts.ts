import { z } from "zod";
import { Calls, del, filtered, get, path, post } from "./calls.ts";
import { messageAnswer, seconds, short, text, time } from "./fields.ts";

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
export class AlertCalls extends Calls {
  history(filter: AlertFilter = {}): Promise<AlertPage> {
    return this.call({ ...get(filtered("/v1/alerts", filter)), answer: alertPage });
  }

  destinations(): Promise<AlertDestination[]> {
    return this.call({ ...get(DESTINATIONS), answer: z.array(destination).max(1000) });
  }

  create(body: NewDestination): Promise<AlertDestination> {
    return this.call({ ...post(DESTINATIONS, body), answer: destination });
  }

  async delete(idOrName: string): Promise<void> {
    await this.call({ ...del(path`/v1/alerts/destinations/${idOrName}`), answer: destination });
  }

  /** Resolves when a test has arrived there; a refusal says why it did not. */
  async test(idOrName: string): Promise<void> {
    await this.call({ ...post(path`/v1/alerts/destinations/${idOrName}/test`, {}), answer: messageAnswer });
  }
}

const DESTINATIONS = "/v1/alerts/destinations";
