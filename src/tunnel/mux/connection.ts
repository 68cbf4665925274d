import { type ChannelRequest, Connection } from "../ssh/connection.ts";
import { DEFAULT_LIMITS, type SshLimits } from "../ssh/limits.ts";
import { systemTimers, type Timers } from "../ssh/timers.ts";
import type { WindowBudget } from "../ssh/window.ts";
import type { TlsSession } from "../tls/tls-session.ts";
import { MuxCarrier } from "./carrier.ts";

/** The one type of channel: a tunnel to the target that the client certificate names. */
export const STREAM = "stream@sallyport";

/** A tunnel costs far less here than a handshake does, so there may be more of them a second. */
const MUX_LIMITS: SshLimits = { ...DEFAULT_LIMITS, channels: 256, opensPerSecond: 2000, opensBurst: 4000 };

export interface MuxOptions {
  role: "server" | "client";
  budget: WindowBudget;
  /** At the gateway: a tunnel is asked for. */
  onChannel?: ((request: ChannelRequest) => void) | undefined;
  limits?: Partial<SshLimits> | undefined;
  timers?: Timers;
  /** The TLS session is over too, which is after `onClosed`: by then what was said last has arrived, or never will. */
  onOver?: (() => void) | undefined;
}

/**
 * Many tunnels in one TLS session between a client and a gateway that have agreed on `sallyport-mux/1`: each is a channel
 * (RFC 4254), so one that stalls holds up no other. The session belongs to the result and ends with it.
 */
export function openMux(session: TlsSession, options: MuxOptions): Connection {
  const { role, budget, onChannel, limits, timers = systemTimers, onOver } = options;
  const carrier = new MuxCarrier(session, timers, onOver);
  const all = { ...MUX_LIMITS, ...limits };
  const connection = new Connection({ role, carrier, limits: all, budget, timers, onChannel });
  carrier.start();
  return connection;
}
