import { parseHostPort } from "../host/address.ts";
import type { GatewayRelay } from "../pki/credentials.ts";
import type { RelayRow } from "../platform-client/calls/relays.ts";

export interface RelayChoice {
  /** What the platform lists. */
  rows: RelayRow[];
  /** How many are wanted. */
  count: number;
  /** The relays in use. They stay where they can, so that tunnels do. */
  present: GatewayRelay[];
  /** Relays that could not be reached, or are about to stop, by their `relayPlace`. */
  avoid: ReadonlySet<string>;
  /** Milliseconds to a TCP connection; undefined when there is none. */
  measure: (host: string, port: number) => Promise<number | undefined>;
  /** Wall-clock milliseconds. */
  now: number;
  /** Uniform in [0, 1). */
  random: () => number;
}

/** PROTOCOL 0.1. */
const SSH_PORT = 2222;
/** PROTOCOL 0.2: an older heartbeat is none. */
const HEALTHY_MS = 3_600_000;
/** A relay that far away in milliseconds, or by that share, is as good as the nearest: gateways spread over both. */
const SAME_MS = 5;
const SAME_SHARE = 0.3;
/** So many are tried out at once. */
const MOST_MEASURED = 16;

/**
 * Names of the relays to use when nobody has said which, best first: those in use; then healthy before others, the
 * organisation's before shared ones, and among them the nearest by the time that a connection to their SSH port takes
 * (PROTOCOL 0.2, EXTENSIONS X2). Relays to avoid come last. May be empty.
 */
export async function chooseRelays(choice: RelayChoice): Promise<string[]> {
  const { count } = choice;
  const candidates = choice.rows.flatMap((row) => candidateOf(row, choice));
  const those = (isPresent: boolean, isAvoided: boolean) =>
    candidates.filter((candidate) => candidate.isPresent === isPresent && candidate.isAvoided === isAvoided);
  const chosen = those(true, false);
  if (chosen.length < count) chosen.push(...(await reachable(those(false, false), choice)));
  if (chosen.length < count) chosen.push(...(await reachable(those(false, true), choice)));
  // It may come back, and there is no other.
  if (chosen.length < count) chosen.push(...those(true, true));
  return chosen.slice(0, count).map(({ name }) => name);
}

/** What tells relays apart that have no name: where they are dialled. */
export function relayPlace({ host, sshPort }: Pick<GatewayRelay, "host" | "sshPort">): string {
  return `${host.toLowerCase()} ${sshPort}`;
}

interface Candidate {
  name: string;
  host: string;
  sshPort: number;
  /** Smaller is better. */
  rank: number;
  isPresent: boolean;
  isAvoided: boolean;
}

/** A relay whose host can't be read is not one to use. */
function candidateOf(row: RelayRow, { present, avoid, now }: RelayChoice): Candidate[] {
  const sshPort = row.sshPort ?? SSH_PORT;
  const host = readHost(row.host);
  if (host === undefined) return [];
  const place = relayPlace({ host, sshPort });
  const isHealthy = now - Date.parse(row.heartbeat ?? "") < HEALTHY_MS;
  return [
    {
      ...{ name: row.name, host, sshPort },
      rank: (isHealthy ? 0 : 2) + (row.orgId == null ? 1 : 0),
      isPresent: present.some((relay) => relayPlace(relay) === place),
      isAvoided: avoid.has(place),
    },
  ];
}

function readHost(text: string): string | undefined {
  try {
    return parseHostPort(text, "a relay's host", SSH_PORT).host;
  } catch {
    return undefined;
  }
}

/** Those that answer, best first. */
async function reachable(candidates: Candidate[], { measure, random }: RelayChoice): Promise<Candidate[]> {
  const tried = candidates.sort((a, b) => a.rank - b.rank).slice(0, MOST_MEASURED);
  const measured = await Promise.all(
    tried.map(async (candidate) => {
      const latency = await measure(candidate.host, candidate.sshPort);
      const spread = (latency ?? 0) * SAME_SHARE + SAME_MS;
      return latency === undefined ? [] : [{ candidate, score: latency + random() * spread }];
    }),
  );
  return measured
    .flat()
    .sort((a, b) => a.candidate.rank - b.candidate.rank || a.score - b.score)
    .map(({ candidate }) => candidate);
}
