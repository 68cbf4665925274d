import type { Routed } from "./routing-table.ts";

/** Texts of SSH_MSG_DISCONNECT. `replaced` is agreed between relay and gateway (EXTENSIONS X3). */
export type Farewell = "replaced" | "revoked" | "draining" | "certificate expired";

/** A gateway's session as the relay's rules see it: its connection may be held by this process or by a worker. */
export interface GatewaySession extends Routed {
  /** For people only. */
  readonly gatewayName: string | undefined;
  readonly orgId: string | undefined;
  /** Of the certificate that opened it. */
  readonly serial: bigint;
  /** Wall-clock milliseconds after which that certificate no longer counts. */
  readonly expiresAt: number;
  /** Wall-clock time of the log-in. */
  readonly since: Date;
  /** Tunnels that are open or being opened. */
  readonly channels: number;
  /** Advises the gateway to have another tunnel by the time that this session retires. False: it would not understand. */
  advise(): boolean;
  /**
   * Lets the present tunnels end, then says why and closes. The caller sends no new tunnel here. Without `graceMs` they
   * have all the time that they want; another call may set a limit. Resolves when the session is over.
   */
  retire(why: Farewell, graceMs?: number): Promise<void>;
  /** Says why and closes, whatever is going on. Safe to call twice. */
  cut(why: Farewell): void;
}
