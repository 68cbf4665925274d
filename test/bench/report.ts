import type { IdleGateways } from "./idle-gateways.ts";
import type { Samples } from "./rounds.ts";
import type { LongLine, SlowConsumer } from "./scenarios.ts";
import { median, percentile, rounded } from "./statistics.ts";

/** The numbers of one path: medians over the rounds, percentiles over all connections. */
export interface Summary {
  upMBps: number;
  downMBps: number;
  streams100MBps: number;
  connectP50Ms: number;
  connectP99Ms: number;
  rttP50Ms: number;
  rttP99Ms: number;
  cpuSecondsPerGB: Record<string, number>;
  peakRssMB: Record<string, number>;
  /** The same as `peakRssMB.relay`, where there is a relay. */
  relayRssMB?: number;
}

export function summarize(samples: Samples): Summary {
  const relay = samples.peakRssMB.relay;
  return {
    upMBps: rounded(median(samples.upMBps)),
    downMBps: rounded(median(samples.downMBps)),
    streams100MBps: rounded(median(samples.streams100MBps)),
    connectP50Ms: rounded(percentile(samples.connectMs, 0.5)),
    connectP99Ms: rounded(percentile(samples.connectMs, 0.99)),
    rttP50Ms: rounded(percentile(samples.rttMs, 0.5)),
    rttP99Ms: rounded(percentile(samples.rttMs, 0.99)),
    cpuSecondsPerGB: mapValues(samples.cpuPerGB, (all) => rounded(median(all))),
    peakRssMB: mapValues(samples.peakRssMB, rounded),
    ...(relay === undefined ? {} : { relayRssMB: rounded(relay) }),
  };
}

const TITLES: Record<string, string> = {
  tcp: "raw loopback TCP",
  tls: "one TLS hop",
  sshR: "OpenSSH ssh -R, aes128-gcm",
  path: "full path",
};

/** Tables for people: the numbers, then what the full path costs compared with each other way. */
export function table(summaries: Record<string, Summary>): string {
  const rows = [
    [
      "path",
      "up MB/s",
      "down MB/s",
      "100 streams",
      "connect p50/p99 ms",
      "RTT p50 ms",
      "CPU-s/GB down",
      "peak RSS MB",
    ],
    ...Object.entries(summaries).map(([name, s]) => [
      TITLES[name] ?? name,
      String(s.upMBps),
      String(s.downMBps),
      String(s.streams100MBps),
      `${s.connectP50Ms} / ${s.connectP99Ms}`,
      String(s.rttP50Ms),
      byRole(s.cpuSecondsPerGB),
      byRole(s.peakRssMB),
    ]),
  ];
  const { path, ...others } = summaries;
  if (!path) return aligned(rows);
  const ratios = [
    ["full path compared with", "up", "down", "100 streams", "connect p50", "RTT p50"],
    ...Object.entries(others).map(([name, other]) => [
      TITLES[name] ?? name,
      times(path.upMBps / other.upMBps),
      times(path.downMBps / other.downMBps),
      times(path.streams100MBps / other.streams100MBps),
      times(path.connectP50Ms / other.connectP50Ms),
      times(path.rttP50Ms / other.rttP50Ms),
    ]),
  ];
  return `${aligned(rows)}\n\n${aligned(ratios)}`;
}

export interface Scenarios {
  opensPerSecond: Record<string, number>;
  slowConsumers: Record<string, SlowConsumer>;
  longLine: Record<string, LongLine>;
  idleGateways: IdleGateways;
}

/** One line per scenario. */
export function scenarioLines({ opensPerSecond, slowConsumers, longLine, idleGateways }: Scenarios): string {
  const lines = Object.entries(opensPerSecond).map(
    ([name, rate]) => `${TITLES[name] ?? name}: ${rate} connections per second, 16 at a time`,
  );
  for (const [name, { streams, beforeMB, peakMB }] of Object.entries(slowConsumers)) {
    lines.push(
      `${TITLES[name] ?? name}: ${streams} downloads that nobody reads, RSS MB ${byRole(peakMB)} (before: ${byRole(beforeMB)})`,
    );
  }
  for (const [name, { upMBps, downMBps }] of Object.entries(longLine)) {
    lines.push(
      `${TITLES[name] ?? name}: 100 ms between relay and gateway, up ${upMBps} MB/s, down ${downMBps} MB/s`,
    );
  }
  const { gateways, loginsPerSecond, relayKBEach, relayRssMB } = idleGateways;
  lines.push(
    `${gateways} idle gateways: relay ${relayRssMB} MB, ${relayKBEach} KB each, ${loginsPerSecond} logins per second`,
  );
  return lines.join("\n");
}

function times(ratio: number): string {
  return `${ratio.toFixed(2)} x`;
}

function byRole(values: Record<string, number>): string {
  return Object.entries(values)
    .map(([role, value]) => `${role} ${value}`)
    .join(", ");
}

function aligned(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function mapValues<T, U>(object: Record<string, T>, convert: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, convert(value)]));
}
