import { formatHostPort } from "../../host/address.ts";
import { requireRelayName } from "../../host/names.ts";
import { SallyportError } from "../../telemetry/error.ts";
import type { Ledger } from "./ledger.ts";

export interface RelayChoice {
  /** From `--relay`. */
  names: string[];
  /** From `--relay-host`; without a port any SSH port fits. */
  hosts: { host: string; sshPort: number | undefined }[];
}

export interface ChosenRelay {
  relayName: string;
  host: string;
  sshPort: number;
}

const MOST_RELAYS = 4;
const SSH_PORT = 2222;

/**
 * The relays of a gateway. Its certificates carry their names (`client-<relay name>`), which are known from the relays
 * this CA has issued; a host of another relay needs its name said.
 * @throws SallyportError USAGE, NOT_FOUND
 */
export function chooseRelays(ledger: Pick<Ledger, "relays">, choice: RelayChoice): ChosenRelay[] {
  const names = choice.names.map(requireRelayName);
  const chosen =
    choice.hosts.length === 0
      ? names.map((name) => byName(ledger, name))
      : choice.hosts.map((wanted) => byHost(ledger, wanted, names));
  if (chosen.length === 0)
    throw usage("Say which relay the gateway dials: --relay-host HOST or --relay NAME");
  if (new Set(chosen.map(({ relayName }) => relayName)).size < chosen.length) {
    throw usage("The same relay is named twice");
  }
  if (chosen.length > MOST_RELAYS) throw usage(`A gateway dials at most ${MOST_RELAYS} relays`);
  const unused =
    choice.hosts.length > 0 && names.find((name) => !chosen.some((relay) => relay.relayName === name));
  if (unused) throw usage(`The relay ${unused} is at none of the given hosts`);
  return chosen;
}

function byName(ledger: Pick<Ledger, "relays">, name: string): ChosenRelay {
  const relay = ledger.relays.find((candidate) => candidate.name === name);
  if (relay) return { relayName: name, host: relay.host, sshPort: relay.sshPort };
  throw new SallyportError(
    "NOT_FOUND",
    `This CA has issued no relay ${name}: issue it with "sallyport ca issue relay ${name}", or add --relay-host`,
  );
}

function byHost(
  ledger: Pick<Ledger, "relays">,
  { host, sshPort }: RelayChoice["hosts"][number],
  names: string[],
): ChosenRelay {
  const here = ledger.relays.filter(
    (relay) => relay.host === host && (sshPort === undefined || relay.sshPort === sshPort),
  );
  const named = here.filter((relay) => names.includes(relay.name));
  const fitting = named.length > 0 ? named : here;
  const [relay, ...more] = fitting;
  if (relay && more.length === 0) return { relayName: relay.name, host, sshPort: relay.sshPort };
  if (relay) {
    const list = fitting.map(({ name }) => name).join(", ");
    throw usage(`Several relays are at ${host} (${list}): say which with --relay NAME or a port`);
  }
  const [name, ...unknown] = names.filter(
    (candidate) => !ledger.relays.some(({ name: known }) => known === candidate),
  );
  if (name && unknown.length === 0) return { relayName: name, host, sshPort: sshPort ?? SSH_PORT };
  const others = ledger.relays.filter((relay) => relay.host === host).map((relay) => relay.sshPort);
  const where =
    sshPort === undefined
      ? host
      : `${formatHostPort(host, sshPort)} (a port is the one for SSH${others.length > 0 ? `, there ${others.join(" or ")}` : ""})`;
  throw new SallyportError(
    "NOT_FOUND",
    `This CA has issued no relay at ${where}: issue it with "sallyport ca issue relay", or say its name with --relay`,
  );
}

function usage(message: string): SallyportError {
  return new SallyportError("USAGE", message);
}
