import { asSallyportError, describe } from "../../../telemetry/error.ts";
import {
  type DeliveryRow,
  hasDeliveriesDue,
  storeDelivered,
  storeFailedAttempt,
  takeDeliveries,
} from "../../store/alert-deliveries.ts";
import { type DestinationRow, findDestination } from "../../store/alert-destinations.ts";
import { findAlert } from "../../store/alerts.ts";
import { findOrganisation } from "../../store/people.ts";
import type { Core } from "../core.ts";
import { secretOf } from "./destinations.ts";
import { type AlertMessage, alertMessage, testMessage } from "./message.ts";
import { postWebhook } from "./webhook.ts";

const AT_ONCE = 5;
/** A replica that dies over a delivery leaves it to the next attempt. */
const TAKEN_MS = 60_000;
/** After a failure: 10 s, doubled each time up to an hour; given up after some six hours. */
const RETRY_MS = { first: 10_000, last: 3_600_000 };
const MOST_ATTEMPTS = 14;
const ERROR_LENGTH = 300;

/** Brings alerts to their destinations. What has to be done is in the database, so that a restart or another replica goes on. */
export class AlertDeliveries {
  readonly #core: Core;
  readonly #running = new Set<Promise<void>>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** Begins with what is due, and does not wait for it. */
  async round(): Promise<void> {
    const { store } = this.#core;
    const limit = AT_ONCE - this.#running.size;
    const now = this.#core.now();
    if (limit <= 0 || !(await hasDeliveriesDue(store.read, now.toISOString()))) return;
    const again = new Date(now.getTime() + TAKEN_MS).toISOString();
    const taken = await store.transaction((sql) =>
      takeDeliveries(sql, { now: now.toISOString(), again, limit }),
    );
    for (const row of taken) {
      const work = this.#deliver(row)
        .catch((error: unknown) =>
          this.#core.log.warn("An alert's delivery could not be stored", { reason: describe(error) }),
        )
        .finally(() => this.#running.delete(work));
      this.#running.add(work);
    }
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Sends a test now. @throws SallyportError saying why it did not arrive */
  async test(destination: DestinationRow): Promise<void> {
    const organisation = await this.#organisation(destination.org_id);
    await this.#send(destination, testMessage(organisation, this.#core.now()), crypto.randomUUID());
  }

  async #deliver(row: DeliveryRow): Promise<void> {
    const { store } = this.#core;
    try {
      const destination = await findDestination(store.read, row.destination_id);
      const alert = await findAlert(store.read, row.alert_id);
      if (!destination || !alert) return;
      const organisation = await this.#organisation(alert.org_id);
      await this.#send(destination, alertMessage(alert, row.event, organisation, this.#core.now()), row.id);
      await store.transaction((sql) => storeDelivered(sql, row.id, this.#core.now().toISOString()));
    } catch (error) {
      await this.#postpone(row, asSallyportError(error, "INTERNAL", "The delivery failed").message);
    }
  }

  async #postpone({ id, attempts }: DeliveryRow, error: string): Promise<void> {
    const now = this.#core.now();
    const isOver = attempts >= MOST_ATTEMPTS;
    const pause = Math.min(RETRY_MS.first * 2 ** (attempts - 1), RETRY_MS.last);
    const nextAt = isOver ? null : new Date(now.getTime() + pause).toISOString();
    const row = { id, error: error.slice(0, ERROR_LENGTH), nextAt };
    if (isOver) this.#core.log.warn("An alert was not delivered, and is given up", { reason: row.error });
    await this.#core.store.transaction((sql) => storeFailedAttempt(sql, row, now.toISOString()));
  }

  async #send(destination: DestinationRow, message: AlertMessage, deliveryId: string): Promise<void> {
    const { log, hostRule } = this.#core;
    if (destination.kind === "log" || destination.url === null) {
      const { rule, title, text, fix, since } = message.alert;
      const organisation = message.organisation.name;
      log.warn(`Alert: ${title}`, { event: message.event, organisation, rule, text, fix, since });
      return;
    }
    const post = {
      url: destination.url,
      caCertificate: destination.ca_certificate,
      secret: await secretOf(this.#core, destination),
      deliveryId,
      body: JSON.stringify(message),
    };
    await postWebhook(hostRule.of("A webhook"), post, this.#core.now());
  }

  async #organisation(id: string): Promise<{ id: string; name: string }> {
    return { id, name: (await findOrganisation(this.#core.store.read, id))?.name ?? "" };
  }
}
