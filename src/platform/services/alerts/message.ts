import type { AlertEvent } from "../../store/alert-deliveries.ts";
import type { AlertRow } from "../../store/alerts.ts";

/** What a webhook gets, as JSON. Fields may be added, never renamed. */
export interface AlertMessage {
  event: "alert.raised" | "alert.recovered" | "alert.test";
  /** When it was sent, RFC 3339. */
  at: string;
  organisation: { id: string; name: string };
  alert: {
    id: string;
    rule: string;
    subject: { kind: string; id: string; name: string };
    title: string;
    text: string;
    fix: string;
    since: string;
    until: string | null;
  };
}

export function alertMessage(
  alert: AlertRow,
  event: AlertEvent,
  organisation: { id: string; name: string },
  now: Date,
): AlertMessage {
  return {
    event: `alert.${event}`,
    at: now.toISOString(),
    organisation,
    alert: {
      id: alert.id,
      rule: alert.rule,
      subject: { kind: alert.subject_kind, id: alert.subject_id, name: alert.subject_name },
      title: event === "recovered" ? `${alert.title} (over)` : alert.title,
      text: alert.text,
      fix: alert.fix,
      since: alert.began_at,
      until: alert.closed_at,
    },
  };
}

/** For people who want to see whether alerts reach them. */
export function testMessage(organisation: { id: string; name: string }, now: Date): AlertMessage {
  const { id, name } = organisation;
  return {
    event: "alert.test",
    at: now.toISOString(),
    organisation,
    alert: {
      id: "00000000-0000-0000-0000-000000000000",
      rule: "test",
      subject: { kind: "organisation", id, name },
      title: "This is a test",
      text: "Somebody wants to see whether alerts arrive here. They do.",
      fix: "Nothing is to be done.",
      since: now.toISOString(),
      until: null,
    },
  };
}
