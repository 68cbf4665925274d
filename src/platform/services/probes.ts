import type { ClientCredentials } from "../../pki/credentials.ts";
import { generateX509Key } from "../../pki/keys.ts";
import { asSallyportError, describe, SallyportError } from "../../telemetry/error.ts";
import { findGateway, listGatewayRelays } from "../store/gateways.ts";
import { findOrganisation } from "../store/people.ts";
import { findRelay, type RelayRow } from "../store/relays.ts";
import { probeCredentials } from "./access.ts";
import type { Core } from "./core.ts";
import { within } from "./deadline.ts";
import { HealthWrites } from "./health-writes.ts";
import { DEFAULT_TLS_PORT, issueRelayProbe } from "./issuing.ts";
import { Slots } from "./slots.ts";

/** How the platform looks whether somebody is there; client/probe.ts in the product. */
export interface Prober {
  /** Through the relay into the gateway. @returns the interval at which the gateway promises to be heard of */
  gateway(credentials: ClientCredentials): Promise<{ heartbeatTtlSeconds: number | null }>;
  /** The relay's TLS port only. */
  relay(credentials: ClientCredentials): Promise<void>;
}

/** ACCEPTANCE, "Liveness". */
const PROBES_AT_ONCE = 20;
const PROBES_WAITING = 500;
/** PROTOCOL E: of a gateway that promises no interval. */
const DEFAULT_TTL_SECONDS = 1800;
/** A caller of the heartbeat gets its answer within 30 s (PROTOCOL 0.5). */
const PATIENCE_MS = 25_000;

/**
 * Dials back, on heartbeat or on demand (PROTOCOL E). Several callers for one gateway share one probe; probes of all
 * gateways and relays together are bounded.
 */
export class Probes {
  readonly #core: Core;
  readonly #prober: Prober;
  readonly #writes: HealthWrites;
  readonly #slots = new Slots(PROBES_AT_ONCE, PROBES_WAITING);
  readonly #running = new Map<string, Promise<void>>();

  constructor(core: Core, prober: Prober) {
    this.#core = core;
    this.#prober = prober;
    this.#writes = new HealthWrites(core.store, core.now);
  }

  /**
   * Resolves when one of the gateway's relays led to it; the outcome is stored either way.
   * @throws SallyportError saying why none did; NOT_FOUND; REQUEST_REFUSED when it has no relay
   */
  gateway(gatewayId: string): Promise<void> {
    return this.#shared(`gateway ${gatewayId}`, () => this.#probeGateway(gatewayId));
  }

  /** @throws SallyportError RELAY_UNREACHABLE, NOT_FOUND */
  relay(relayId: string): Promise<void> {
    return this.#shared(`relay ${relayId}`, () => this.#probeRelay(relayId));
  }

  /** Looks at these without anybody waiting for it; what is found is stored as always. */
  lookInto(found: { gateways: string[]; relays?: string[] }): void {
    const looks = [
      ...found.gateways.map((id) => this.gateway(id)),
      ...(found.relays ?? []).map((id) => this.relay(id)),
    ];
    for (const look of looks) {
      look.catch((error: unknown) => this.#core.log.debug("A probe failed", { reason: describe(error) }));
    }
  }

  #shared(key: string, probe: () => Promise<void>): Promise<void> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const mine = probe().finally(() => this.#running.delete(key));
    this.#running.set(key, mine);
    return mine;
  }

  async #probeGateway(gatewayId: string): Promise<void> {
    const { store, now } = this.#core;
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
    const outcomes = await Promise.allSettled(
      relays.map((relay) =>
        this.#dial(relay, async (relayAddress) => {
          const credentials = await probeCredentials(this.#core, gateway, organisation, relay);
          return await this.#prober.gateway({ ...credentials, relayAddress });
        }),
      ),
    );
    const reached = outcomes.find((outcome) => outcome.status === "fulfilled");
    const ttlSeconds = reached ? (reached.value.heartbeatTtlSeconds ?? DEFAULT_TTL_SECONDS) : 0;
    const heartbeat = reached ? now().toISOString() : null;
    await this.#writes.add({ kind: "gateway", id: gateway.id, heartbeat, ttlSeconds });
    const failures = outcomes.flatMap((outcome, index) =>
      outcome.status === "rejected"
        ? [{ relay: relays[index]?.name ?? "", error: asUnreachable(outcome.reason) }]
        : [],
    );
    const [first] = failures;
    if (!reached && first) {
      const reasons = failures.map(({ relay, error }) => `through ${relay}: ${error.message}`).join("; ");
      throw new SallyportError(first.error.code, `Cannot reach the gateway ${gateway.name} ${reasons}`);
    }
    for (const { relay, error } of failures) {
      this.#core.log.warn("A gateway is not reachable through one of its relays", {
        gateway: gateway.name,
        relay,
        code: error.code,
      });
    }
  }

  async #probeRelay(relayId: string): Promise<void> {
    const relay = await findRelay(this.#core.store.read, relayId);
    if (!relay) throw new SallyportError("NOT_FOUND", "There is no such relay.");
    try {
      await this.#dial(relay, async (relayAddress) => {
        const credentials = await this.#relayProbeCredentials(relay);
        await this.#prober.relay({ ...credentials, relayAddress });
      });
    } catch (error) {
      const failure = asUnreachable(error);
      throw new SallyportError(failure.code, `Relay ${relay.name} is not reachable: ${failure.message}`, {
        cause: error,
      });
    }
    await this.#writes.add({ kind: "relay", id: relay.id, heartbeat: this.#core.now().toISOString() });
  }

  async #relayProbeCredentials(relay: RelayRow): Promise<ClientCredentials> {
    const key = await generateX509Key();
    const probe = await issueRelayProbe(this.#core, relay, key.keyPair.publicKey);
    const identity = { certificate: probe.leaf.certificate, privateKey: key.privateKeyPem };
    return {
      gatewayId: "00000000-0000-0000-0000-000000000000",
      gatewayName: "heartbeat",
      relayHost: relay.host,
      relayPort: relay.tls_port ?? DEFAULT_TLS_PORT,
      relay: { ...identity, serverAuthorities: probe.serverAuthorities },
      // Nothing is dialled behind the relay.
      gateway: { ...identity, serverAuthorities: probe.serverAuthorities },
      target: undefined,
      requireGatewayUri: true,
    };
  }

  /** With the address that was judged, so that a name can't change between the check and the dial. */
  async #dial<T>(relay: RelayRow, dial: (address: string) => Promise<T>): Promise<T> {
    const work = this.#slots.run(async () => await dial(await this.#core.hostRule.addressOf(relay.host)));
    const seconds = PATIENCE_MS / 1000;
    return await within(
      PATIENCE_MS,
      work,
      () => new SallyportError("TIMEOUT", `There was no answer within ${seconds} s.`),
    );
  }
}

function asUnreachable(error: unknown): SallyportError {
  return asSallyportError(error, "RELAY_UNREACHABLE", "The probe failed");
}
