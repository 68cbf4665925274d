import type { Clock } from "../host/clock.ts";
import type { RelayCredentials } from "../pki/credentials.ts";
import type { EndedSerials } from "../pki/ended-serials.ts";
import type { Instruments } from "../telemetry/instruments.ts";
import type { Logger } from "../telemetry/log.ts";
import type { RelayAdmission } from "./admission.ts";
import type { ListenAt } from "./front.ts";
import type { GatewaySession } from "./gateway-session.ts";
import type { RelayIdentity } from "./identity.ts";
import type { RelayLimits } from "./limits.ts";
import type { Roster } from "./roster.ts";

/** What decides in a relay, once for all of its processes: whoever holds the ports asks here. */
export interface Control<S extends GatewaySession> {
  listen: ListenAt;
  credentials: () => RelayCredentials;
  identity: () => RelayIdentity & { endedSerials: EndedSerials };
  roster: Roster<S>;
  admission: RelayAdmission;
  /** Addresses and CIDRs without a connection limit of their own. */
  exempt: string[];
  limits: RelayLimits;
  clock: Clock;
  instruments: Instruments;
  log: Logger;
}
