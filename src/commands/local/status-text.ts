import type { OpenConnection } from "../../telemetry/connections.ts";
import type { DaemonStatus, ShownCondition } from "../../telemetry/status.ts";
import { tableLines } from "../output.ts";

/** Connections listed for eyes; `--json` has more. */
const CONNECTIONS = 20;
const GATEWAYS = 50;

/** A daemon's status for eyes. Texts of peers are stripped of control characters. */
export function statusLines(status: DaemonStatus, now: Date): string[] {
  const { role, name, state, since, pid, version, id, logLevel, metrics, listening, workers } = status;
  const facts = [
    `${role} ${name}: ${state} for ${span(now.getTime() - Date.parse(since))} (process ${pid}, version ${version})`,
    `id ${id ?? "not known yet"}; log level ${logLevel}${metrics === null ? "" : `; metrics on ${metrics}`}`,
    ...(listening ? [`gateways on port ${listening.ssh}, clients on port ${listening.tls}`] : []),
    ...(workers ? [`${workers.running} of ${workers.wanted} workers run`] : []),
  ];
  const sections = [
    facts,
    conditionLines(status.conditions, now),
    status.tunnels && tunnelLines(status.tunnels),
    status.gateways && gatewayLines(status.gateways, now),
    certificateLines(status.certificates, now),
    connectionLines(status.connections, now),
    errorLines(status.errors),
  ];
  return sections
    .filter((section) => section !== undefined && section.length > 0)
    .flatMap((section, i) => (i === 0 ? (section ?? []) : ["", ...(section ?? [])]))
    .map((line) => line.replace(/\p{Cc}/gu, " "));
}

function conditionLines(conditions: ShownCondition[], now: Date): string[] {
  if (conditions.length === 0) return ["Nothing is wrong."];
  return conditions.flatMap(({ severity, code, title, since, text, fix, impactsTraffic }) => [
    `${severity.toUpperCase()} ${code}: ${title}, for ${span(now.getTime() - Date.parse(since))}` +
      (impactsTraffic ? "; connections fail" : ""),
    `  ${text}`,
    `  Fix: ${fix}`,
  ]);
}

function tunnelLines(tunnels: NonNullable<DaemonStatus["tunnels"]>): string[] {
  if (tunnels.length === 0) return ["No tunnels."];
  return tableLines(
    ["RELAY", "TUNNEL", "REASON"],
    tunnels.map(({ relay, state, reason }) => [relay, state, reason ?? ""]),
  );
}

function gatewayLines({ total, list }: NonNullable<DaemonStatus["gateways"]>, now: Date): string[] {
  if (total === 0) return ["No gateway is connected."];
  const shown = list.slice(0, GATEWAYS);
  const table = tableLines(
    ["GATEWAY", "ID", "CONNECTED FOR", "CONNECTIONS", "ADDRESS"],
    shown.map(({ gatewayName, gatewayId, since, connections, address }) => [
      gatewayName ?? "-",
      gatewayId,
      span(now.getTime() - Date.parse(since)),
      String(connections),
      address,
    ]),
  );
  return total > shown.length ? [...table, `... ${total} in all`] : table;
}

function certificateLines(certificates: DaemonStatus["certificates"], now: Date): string[] {
  if (certificates.length === 0) return [];
  return tableLines(
    ["CERTIFICATE", "ENDS", "IN"],
    certificates.map(({ name, until }) => {
      const left = Date.parse(until) - now.getTime();
      return [name, until, left > 0 ? span(left) : "expired"];
    }),
  );
}

function connectionLines(
  { open, total, bytesUp, bytesDown, newest }: DaemonStatus["connections"],
  now: Date,
): string[] {
  const counted = `${open} connection${open === 1 ? "" : "s"} open, ${total} since the start; ${size(bytesUp)} up, ${size(bytesDown)} down`;
  if (newest.length === 0) return [counted];
  const table = tableLines(
    ["OPEN", "MODE", "FOR", "UP", "DOWN", "WHO", "WHERE"],
    newest
      .slice(0, CONNECTIONS)
      .map((connection) => [
        connection.id,
        connection.mode,
        span(now.getTime() - Date.parse(connection.since)),
        size(connection.bytesUp),
        size(connection.bytesDown),
        ...whoAndWhere(connection),
      ]),
  );
  return [counted, ...table];
}

/** On a gateway the actor and the target; on a relay the client's address and the gateway. */
function whoAndWhere({ about }: OpenConnection): [string, string] {
  const who = about.actorName ?? about.actor ?? about.address ?? "-";
  return [String(who), String(about.target ?? about.gatewayId ?? "-")];
}

function errorLines(errors: Record<string, number>): string[] {
  const rows = Object.entries(errors).sort(([, a], [, b]) => b - a);
  if (rows.length === 0) return [];
  return tableLines(
    ["ERROR", "COUNT"],
    rows.map(([code, count]) => [code, String(count)]),
  );
}

/** `12 s`, `5 min`, `3 h`, `20 d`. */
function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** `812 B`, `1.4 MB`. */
function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}
