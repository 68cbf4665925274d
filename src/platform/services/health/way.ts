import type { Raised } from "../../../telemetry/conditions.ts";
import type { GatewayRow } from "../../store/gateways.ts";
import type { ProbeOutcome } from "../../store/health.ts";
import type { PresenceRow } from "../../store/relay-tunnels.ts";
import { type TunnelState, tunnelState } from "../gateways/presence.ts";
import type { Deadlines } from "./deadlines.ts";
import { readConditions } from "./health.ts";

/** The way to a gateway through one of its relays. */
export interface Way {
  state: TunnelState;
  /** Undefined = nobody can tell now. */
  works: boolean | undefined;
  /** The one cause, where it does not, or may not. */
  raised?: Raised;
}

interface Known {
  gateway: Pick<GatewayRow, "name" | "heartbeat" | "heartbeat_ttl">;
  outcomes: ProbeOutcome[];
}

/** PROTOCOL E: a probe counts for the gateway's own interval and this much more. */
const GRACE_MS = 30_000;
/** Nobody keeps since when this is so: since it was said first. */
const FROM_NOW = "";

export function wayThrough(relay: PresenceRow, known: Known, now: Date, deadlines: Deadlines): Way {
  const state = tunnelState(relay, now);
  const outcome = known.outcomes.find(({ way }) => way === relay.id) ?? lastHeartbeat(known);
  return { state, ...judge[state](relay, outcome, known, deadlines) };
}

type Judge = (
  relay: PresenceRow,
  outcome: ProbeOutcome | undefined,
  known: Known,
  deadlines: Deadlines,
) => Omit<Way, "state">;

const judge: Record<TunnelState, Judge> = {
  up: (relay, outcome, { gateway }) => {
    const trouble = troubleOf(relay);
    if (trouble) return { works: false, raised: trouble };
    const isNewer = outcome !== undefined && outcome.checked_at > (relay.tunnel_since ?? "");
    // One end says that it works: not lost, but not well either.
    if (outcome?.code && isNewer)
      return { works: undefined, raised: probeFailed(gateway.name, relay, outcome) };
    return { works: true };
  },
  down: (relay, _outcome, { gateway }) => ({
    works: false,
    raised: {
      code: "TUNNEL_LOST",
      since: FROM_NOW,
      about: relay.name,
      text: `The gateway ${gateway.name} has no tunnel at the relay ${relay.name}, says the relay.`,
      fix: "See whether the gateway runs and reaches the relay's SSH port; its log says why it does not.",
    },
  }),
  silent: (relay, outcome) => {
    const since = relay.lease_expires_at ?? "";
    const raised = troubleOf(relay) ?? {
      code: "RELAY_SILENT" as const,
      since,
      about: relay.name,
      text: `No reports come from the relay ${relay.name}: it was stopped, or does not reach the platform.`,
      fix: "See whether the relay runs and reaches the platform.",
    };
    const isNewer = outcome !== undefined && outcome.checked_at > since;
    return { works: isNewer ? outcome.code === null : undefined, raised };
  },
  unreported: (relay, outcome, { gateway }, deadlines) => {
    const trouble = troubleOf(relay);
    if (trouble) return { works: false, raised: trouble };
    if (!outcome) return { works: undefined };
    if (outcome.code) return { works: false, raised: probeFailed(gateway.name, relay, outcome) };
    const validMs = (gateway.heartbeat_ttl ?? 0) * 1000 + GRACE_MS;
    if (!deadlines.silentFor(outcome.checked_at, validMs)) return { works: true };
    return {
      works: false,
      raised: {
        code: "HEARTBEAT_LATE",
        since: FROM_NOW,
        about: relay.name,
        text: `The gateway ${gateway.name} was reached last at ${outcome.checked_at}.`,
        fix: "See whether its process runs and reaches the platform.",
      },
    };
  },
};

/** What is known of a way that was never probed for itself: the outcome for the whole gateway. */
function lastHeartbeat({ gateway: { heartbeat, heartbeat_ttl: ttl } }: Known): ProbeOutcome | undefined {
  if (heartbeat === null || ttl === null || ttl === 0) return undefined;
  return { way: "", checked_at: heartbeat, since: heartbeat, code: null, text: null };
}

/** What is wrong with the relay itself, so that its tunnels are of no use. */
function troubleOf(relay: PresenceRow): Raised | undefined {
  const found = readConditions(relay.relay_conditions ?? "[]").find(
    ({ code }) => code === "RELAY_UNREACHABLE" || code === "RELAY_TLS_FAILED" || code === "ACCESS_REVOKED",
  );
  if (!found) return undefined;
  const { since, text, fix } = found;
  const code = found.code === "RELAY_TLS_FAILED" ? "RELAY_TLS_FAILED" : "RELAY_UNREACHABLE";
  return { code, since, about: relay.name, text, fix };
}

function probeFailed(gateway: string, relay: PresenceRow, { since, text }: ProbeOutcome): Raised {
  return {
    code: "PROBE_FAILED",
    since,
    about: relay.name,
    text: `The platform does not reach the gateway ${gateway} through the relay ${relay.name}: ${text ?? ""}`,
    fix: "See whether the gateway runs; a health check shows at which hop it ends.",
  };
}
