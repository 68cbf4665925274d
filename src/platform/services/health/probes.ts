import type { SshProbeTarget } from "../../../client/probe-ssh.ts";
import type { ClientCredentials } from "../../../pki/credentials.ts";
import { asSallyportError, describe, SallyportError } from "../../../telemetry/error.ts";
import { findGateway, listGatewayRelays } from "../../store/gateways.ts";
import { findOrganisation } from "../../store/people.ts";
import { findRelay, type RelayRow } from "../../store/relays.ts";
import { probeCredentials } from "../access/access.ts";
import type { Core } from "../core.ts";
import { within } from "../deadline.ts";
import { Slots } from "../slots.ts";
import { relaySshTarget, relayTlsCredentials } from "./relay-probe.ts";
import type { HealthWrites, SeenWay } from "./writes.ts";

/** How the platform looks whether somebody is there; client/probe.ts and client/probe-ssh.ts in the product. */
export interface Prober {
  /** Through the relay into the gateway. @returns the interval at which the gateway promises to be heard of */
  gateway(credentials: ClientCredentials): Promise<{ heartbeatTtlSeconds: number | null }>;
  /** The relay's TLS port. */
  relay(credentials: ClientCredentials): Promise<void>;
  /** The relay's SSH port. */
  relaySsh(target: SshProbeTarget): Promise<unknown>;
}

/** ACCEPTANCE, "Liveness". */
const PROBES_AT_ONCE = 20;
const PROBES_WAITING = 500;
/**
 * Certificates for probes are work of this process, not waiting: it may not be all that the process does while a storm
 * of heartbeats asks for them.
 */
const PROBES_SIGNED_AT_ONCE = 2;
/** More than these at once, and a heartbeat's caller is not kept waiting for its own: each may take its whole patience. */
const PROBES_AWAITED = 2 * PROBES_AT_ONCE;
/** PROTOCOL E: of a gateway that promises no interval. */
const DEFAULT_TTL_SECONDS = 1800;
/** For name, connection and answer; a caller of the heartbeat gets its answer within 30 s (PROTOCOL 0.5). */
const PATIENCE_MS = 15_000;

/**
 * Dials back: every tunnel of a gateway, both ports of a relay (PROTOCOL E, ACCEPTANCE "Liveness"). Several callers for
 * one of them share one probe; probes of all together are bounded.
 */
export class Probes {
  readonly #core: Core;
  readonly #prober: Prober;
  readonly #writes: HealthWrites;
  readonly #slots = new Slots(PROBES_AT_ONCE, PROBES_WAITING);
  readonly #signing = new Slots(PROBES_SIGNED_AT_ONCE, PROBES_WAITING);
  readonly #running = new Map<string, Promise<void>>();
  /** Of those, the ones that have not seen what they look for. */
  #looking = 0;

  constructor(core: Core, prober: Prober, writes: HealthWrites) {
    this.#core = core;
    this.#prober = prober;
    this.#writes = writes;
  }

  /** Probes that may begin without waiting for others. */
  get free(): number {
    return Math.max(0, PROBES_AT_ONCE - this.#looking);
  }

  /** Nothing is being looked at, and what was seen is stored. */
  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  /**
   * A gateway that has called is looked at while its caller waits, as `gateway`. Undefined when too many are before it:
   * then its turn has to come by the schedule.
   */
  forCaller(gatewayId: string): Promise<void> | undefined {
    return this.#looking < PROBES_AWAITED ? this.gateway(gatewayId) : undefined;
  }

  /**
   * Resolves when one of the gateway's relays led to it; the outcome is stored either way.
   * @throws SallyportError saying why none did; NOT_FOUND; REQUEST_REFUSED when it has no relay
   */
  gateway(gatewayId: string): Promise<void> {
    return this.#shared(`gateway ${gatewayId}`, (seenAll) => this.#probeGateway(gatewayId, seenAll));
  }

  /**
   * Resolves when the relay's TLS port serves clients, whatever its SSH port does; both outcomes are stored either way.
   * @throws SallyportError RELAY_UNREACHABLE and others that say why it does not; NOT_FOUND
   */
  relay(relayId: string): Promise<void> {
    return this.#shared(`relay ${relayId}`, (seenAll) => this.#probeRelay(relayId, seenAll));
  }

  /** Looks at these without anybody waiting for it; what is found is stored as always. */
  lookInto({ gateways = [], relays = [] }: { gateways?: string[]; relays?: string[] }): void {
    const looks = [...gateways.map((id) => this.gateway(id)), ...relays.map((id) => this.relay(id))];
    for (const look of looks) {
      look.catch((error: unknown) => this.#core.log.debug("A probe failed", { reason: describe(error) }));
    }
  }

  /** `probe` says when it has seen what it looks for: others may look while it is being stored. */
  #shared(key: string, probe: (seenAll: () => void) => Promise<void>): Promise<void> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    let isLooking = true;
    const seenAll = () => {
      if (isLooking) this.#looking--;
      isLooking = false;
    };
    this.#looking++;
    const mine = probe(seenAll).finally(() => {
      seenAll();
      this.#running.delete(key);
    });
    this.#running.set(key, mine);
    return mine;
  }

  async #probeGateway(gatewayId: string, seenAll: () => void): Promise<void> {
    const { store, now, log } = this.#core;
    const gateway = await findGateway(store.read, gatewayId);
    const organisation = gateway && (await findOrganisation(store.read, gateway.org_id));
    if (!gateway || !organisation) throw new SallyportError("NOT_FOUND", "There is no such gateway.");
    const relays = await listGatewayRelays(store.read, gateway.id);
    if (relays.length === 0) {
      throw new SallyportError(
        "REQUEST_REFUSED",
        `The gateway ${gateway.name} has no relay: start it first.`,
      );
    }
    const ways = await this.#signing.run(() => probeCredentials(this.#core, gateway, organisation, relays));
    const looks = await Promise.all(
      ways.map(({ relay, credentials }) =>
        this.#look(relay, async (relayAddress) => {
          const { heartbeatTtlSeconds } = await this.#prober.gateway({ ...credentials, relayAddress });
          return heartbeatTtlSeconds ?? DEFAULT_TTL_SECONDS;
        }),
      ),
    );
    seenAll();
    const outcomes = looks.map((look, i) => seen(relays[i]?.id ?? "", look));
    const reached = looks.find((look) => "found" in look);
    const ttlSeconds = reached && "found" in reached ? reached.found : 0;
    const reachedAt = reached ? now().toISOString() : null;
    await this.#writes.add({ kind: "probe", subject: { gatewayId }, reachedAt, ttlSeconds, ways: outcomes });
    const failures = looks.flatMap((look, i) =>
      "failure" in look
        ? [{ relay: relays[i]?.name ?? "", id: relays[i]?.id ?? "", error: look.failure }]
        : [],
    );
    this.lookInto({ relays: failures.flatMap(({ id, error }) => (isOfTheRelay(error) ? [id] : [])) });
    const [first] = failures;
    if (!reached && first) {
      const reasons = failures.map(({ relay, error }) => `through ${relay}: ${error.message}`).join("; ");
      throw new SallyportError(first.error.code, `Cannot reach the gateway ${gateway.name} ${reasons}`);
    }
    for (const { relay, error } of failures) {
      log.debug("A gateway is not reachable through one of its relays", {
        gateway: gateway.name,
        relay,
        code: error.code,
      });
    }
  }

  async #probeRelay(relayId: string, seenAll: () => void): Promise<void> {
    const { store, now } = this.#core;
    const relay = await findRelay(store.read, relayId);
    if (!relay) throw new SallyportError("NOT_FOUND", "There is no such relay.");
    const [tls, ssh] = await Promise.all([
      this.#look(relay, async (relayAddress) => {
        const credentials = await relayTlsCredentials(this.#core, relay);
        await this.#prober.relay({ ...credentials, relayAddress });
      }),
      this.#look(relay, async (address) => {
        await this.#prober.relaySsh({ ...(await relaySshTarget(this.#core, relay)), address });
      }),
    ]);
    seenAll();
    const ways = [seen("tls", tls), seen("ssh", ssh)];
    const reachedAt = "found" in tls ? now().toISOString() : null;
    await this.#writes.add({ kind: "probe", subject: { relayId }, reachedAt, ways });
    if (!("failure" in tls)) return;
    const { code, message } = tls.failure;
    throw new SallyportError(code, `Relay ${relay.name} is not reachable: ${message}`, {
      cause: tls.failure,
    });
  }

  /**
   * With the address that was judged, so that a name can't change between the check and the dial (ACCEPTANCE B11).
   * @throws SallyportError RESOURCE_SHORTAGE when it was not looked at, for that says nothing of the relay
   */
  async #look<T>(relay: RelayRow, dial: (address: string) => Promise<T>): Promise<Look<T>> {
    let isLooking = false;
    const look = async () => {
      isLooking = true;
      return await within(PATIENCE_MS, this.#dial(relay, dial), late);
    };
    try {
      return { found: await this.#slots.run(look) };
    } catch (error) {
      if (!isLooking) throw error;
      return { failure: asSallyportError(error, "RELAY_UNREACHABLE", "The probe failed") };
    }
  }

  async #dial<T>(relay: RelayRow, dial: (address: string) => Promise<T>): Promise<T> {
    return await dial(await this.#core.hostRule.addressOf(relay.host));
  }
}

type Look<T> = { found: T } | { failure: SallyportError };

function seen(way: string, look: Look<unknown>): SeenWay {
  if ("found" in look) return { way, code: null, text: null };
  return { way, code: look.failure.code, text: look.failure.message.slice(0, TEXT_LENGTH) };
}

/** Nobody got as far as the gateway: it may be the relay, whose health says that better. */
function isOfTheRelay({ code }: SallyportError): boolean {
  return code === "RELAY_UNREACHABLE" || code === "TLS_UNTRUSTED" || code === "TIMEOUT";
}

/** Of what a peer said; it becomes a part of a condition's text. */
const TEXT_LENGTH = 300;

function late(): SallyportError {
  return new SallyportError("TIMEOUT", `There was no answer within ${PATIENCE_MS / 1000} s.`);
}
