import type { Lifetime } from "./certificates.ts";
import type { Condition } from "./conditions.ts";
import type { ConnectionTotals, OpenConnection } from "./connections.ts";
import type { LogLevel } from "./log.ts";

export type DaemonState = "starting" | "running" | "draining";

/** A gateway's tunnel to one relay. */
export interface TunnelLine {
  relay: string;
  state: string;
  /** Why it is not up. */
  reason?: string | undefined;
}

/** A gateway that a relay serves. */
export interface GatewayLine {
  gatewayId: string;
  gatewayName?: string | undefined;
  /** RFC 3339. */
  since: string;
  connections: number;
  address: string;
}

/** Processes that share a relay's ports. */
export interface WorkersLine {
  running: number;
  wanted: number;
}

/** As the reader of another version sees it. */
export type ShownCondition = Omit<Condition, "code"> & { code: string };

/** What only the role itself knows. */
export interface RoleStatus {
  id: string | null;
  certificates: Lifetime[];
  /** Bytes. */
  windowBudget: { used: number; limit: number };
  /** Gateway. */
  tunnels?: TunnelLine[];
  /** Relay: at most 1000 of them. */
  gateways?: { total: number; list: GatewayLine[] };
  /** Relay: where it listens. */
  listening?: { ssh: number; tls: number };
  /** Relay that runs as several processes. */
  workers?: WorkersLine;
}

/** What `status --json` prints. Times are RFC 3339. Fields may be added, never renamed. */
export interface DaemonStatus {
  role: "gateway" | "relay";
  name: string;
  id: string | null;
  version: string;
  pid: number;
  since: string;
  state: DaemonState;
  logLevel: LogLevel;
  /** `host:port` of the metrics. */
  metrics: string | null;
  conditions: ShownCondition[];
  tunnels?: TunnelLine[] | undefined;
  gateways?: { total: number; list: GatewayLine[] } | undefined;
  listening?: { ssh: number; tls: number } | undefined;
  workers?: WorkersLine | undefined;
  certificates: { name: string; from: string; until: string }[];
  /** `newest`: at most 100 open ones. */
  connections: ConnectionTotals & { newest: OpenConnection[] };
  /** How often each code occurred since the start. */
  errors: Record<string, number>;
  windowBudget: { used: number; limit: number } | null;
  process: { memoryBytes: number; eventLoopLagMs: number };
}
