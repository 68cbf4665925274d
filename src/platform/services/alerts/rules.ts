import type { ReportedCondition } from "../../../platform-client/agent-report.ts";
import type { AlertRow, TroubleRow } from "../../store/alerts.ts";
import { isTrouble, readConditions } from "../health/health.ts";

/** What people can be alerted of. */
export const ALERT_RULES = [
  "gateway-unhealthy",
  "relay-unhealthy",
  "certificate-expiring",
  "gateway-duplicate",
  "login-failures",
] as const;
export type AlertRule = (typeof ALERT_RULES)[number];

/** Those that have to last for a while before they are told (`afterSeconds` of a destination). */
export const LASTING: ReadonlySet<string> = new Set<AlertRule>(["gateway-unhealthy", "relay-unhealthy"]);

/** Something that people are to be alerted of, now. */
export type Trouble = Pick<
  AlertRow,
  "org_id" | "rule" | "subject_kind" | "subject_id" | "subject_name" | "title" | "text" | "fix" | "began_at"
> & { rule: AlertRule };

const OWN_RULE: Record<string, AlertRule> = {
  CERTIFICATE_EXPIRES: "certificate-expiring",
  CERTIFICATE_EXPIRED: "certificate-expiring",
  GATEWAY_DUPLICATE: "gateway-duplicate",
};
/** Trouble of a relay is told once, as the relay's, not of each gateway behind it. */
const OF_THE_RELAY = new Set(["RELAY_UNREACHABLE", "RELAY_SILENT", "RELAY_TLS_FAILED"]);

/** What is to be told of a gateway or relay that is not well: its worst condition, and those with a rule of their own. */
export function troublesOf(row: TroubleRow): Trouble[] {
  const conditions = readConditions(row.conditions).filter(isTrouble);
  const own = conditions.filter(({ code }) => OWN_RULE[code] !== undefined);
  const [worst] = conditions.filter(
    ({ code }) => OWN_RULE[code] === undefined && !(row.kind === "gateway" && OF_THE_RELAY.has(code)),
  );
  return [
    ...(worst ? [trouble(row, `${row.kind}-unhealthy`, worst, row.since)] : []),
    ...own.flatMap((one) => {
      const rule = OWN_RULE[one.code];
      return rule ? [trouble(row, rule, one, one.since)] : [];
    }),
  ];
}

function trouble(row: TroubleRow, rule: AlertRule, about: ReportedCondition, since: string): Trouble {
  const { kind, name } = row;
  const what = rule.endsWith("-unhealthy") ? `is ${row.status}` : about.title.toLowerCase();
  return {
    org_id: row.org_id,
    rule,
    subject_kind: kind,
    subject_id: row.subject_id,
    subject_name: name,
    title: `${kind === "gateway" ? "Gateway" : "Relay"} ${name}: ${what}`,
    text: about.text,
    fix: about.fix,
    began_at: since,
  };
}

/** Failed logins of an organisation's people, machine identities, gateways and relays within `WINDOW_MS`. */
export const LOGIN_FAILURES = { windowMs: 300_000, least: 20 };

export function loginTrouble(row: { org_id: string; name: string; n: number; first_at: string }): Trouble {
  const minutes = LOGIN_FAILURES.windowMs / 60_000;
  return {
    org_id: row.org_id,
    rule: "login-failures",
    subject_kind: "organisation",
    subject_id: row.org_id,
    subject_name: row.name,
    title: `${row.name}: many logins fail`,
    text: `${row.n} logins have failed within ${minutes} minutes.`,
    fix: `See who tries, and from where: "sallyport audit list --since 1h".`,
    began_at: row.first_at,
  };
}
