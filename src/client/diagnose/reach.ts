import { formatHostPort, type HostPort } from "../../host/address.ts";
import { describeProxy, type OutboundProxy } from "../../host/proxy.ts";
import { describe, SallyportError } from "../../telemetry/error.ts";
import { addressesOf, type Resolver } from "../../tunnel/dial/addresses.ts";
import { dialTcp } from "../../tunnel/dial/tcp.ts";
import type { Wire } from "../../tunnel/dial/wire.ts";
import { dialOutbound } from "../../tunnel/proxy/dial.ts";
import type { Surroundings } from "./context.ts";
import { type Collector, keyOf, notApplicable, type Outcome, type Step } from "./step.ts";

export interface Destination {
  /** Begins the steps' ids: `platform-dns`. */
  what: "platform" | "relay";
  /** A relay's name, where there are several. */
  about?: string | undefined;
  /** Asked when the first step runs. */
  at: () => HostPort;
  /** The proxy on this way; absent where the product never takes one. @throws SallyportError CONFIG_INVALID */
  proxy?: (at: HostPort) => OutboundProxy | undefined;
  /** PEM file of the authorities of an https proxy, besides the system's. */
  caFile?: string | undefined;
  needs?: readonly string[];
  /** What begins the ids of another way, whose failures have the same causes. */
  like?: "platform";
}

/** The way to a destination. */
export interface Way extends Collector {
  steps: Step[];
  /** The last step: what comes next needs it. */
  key: string;
  /** The open connection, for whoever comes first. @throws SallyportError INTERNAL before the last step was good */
  takeWire(): Wire;
}

/** Looks at proxy, DNS and TCP on the way to a destination, as the product itself goes it. */
export function lookAtWay(to: Destination, around: Surroundings): Way {
  const reach = new Reach(to, around);
  const { what, about, needs = [], like } = to;
  const common = { about, timeoutMs: around.patienceMs + MARGIN_MS };
  const step = (kind: "proxy" | "dns" | "tcp", title: string, after: string[]): Step => ({
    ...common,
    id: `${what}-${kind}`,
    title: `${title} the ${what}`,
    needs: [...needs, ...after.map((id) => keyOf({ id: `${what}-${id}`, about }))],
    ...(like && { explainedBy: [`${like}-${kind}`] }),
    run: (signal) => reach[kind](signal),
  });
  return {
    steps: [
      ...(to.proxy ? [step("proxy", "Proxy to", [])] : []),
      step("dns", "DNS of", ["proxy"]),
      step("tcp", "TCP to", ["proxy", "dns"]),
    ],
    key: keyOf({ id: `${what}-tcp`, about }),
    takeWire: () => reach.takeWire(),
    close: () => reach.close(),
  };
}

/** The dial's own time-out comes first: it says more. */
const MARGIN_MS = 1000;

class Reach {
  #proxy: OutboundProxy | undefined;
  #addresses: string[] = [];
  #wire: Wire | undefined;

  constructor(
    private readonly to: Destination,
    private readonly around: Surroundings,
  ) {}

  async proxy(signal: AbortSignal): Promise<Outcome> {
    this.#proxy = this.to.proxy?.(this.to.at());
    if (!this.#proxy) return notApplicable("no proxy is set for this way");
    this.#keep(await this.#dial(signal));
    return `${describeProxy(this.#proxy)} leads to ${this.#where}`;
  }

  async dns(): Promise<Outcome> {
    if (this.#proxy) return notApplicable("the proxy looks names up");
    const { host } = this.to.at();
    const addresses = await addressesOf(host, this.around.resolve).catch((cause: unknown) => {
      throw this.#unreachable(`The name ${host} can't be looked up (${describe(cause)})`, cause);
    });
    if (addresses.length === 0) throw this.#unreachable(`The name ${host} has no address`);
    this.#addresses = addresses;
    return addresses.join(", ");
  }

  async tcp(signal: AbortSignal): Promise<Outcome> {
    if (this.#proxy) return notApplicable("the proxy connects");
    const wire = await this.#dial(signal);
    this.#keep(wire);
    return `${this.#where} answers from ${wire.remoteAddress}`;
  }

  takeWire(): Wire {
    const wire = this.#wire;
    if (!wire) throw new SallyportError("INTERNAL", "There is no connection to look at.");
    this.#wire = undefined;
    return wire;
  }

  close(): void {
    this.#wire?.close();
    this.#wire = undefined;
  }

  get #where(): string {
    const { host, port } = this.to.at();
    return formatHostPort(host.replace(/^\[(.*)\]$/, "$1"), port);
  }

  #keep(wire: Wire): void {
    this.close();
    this.#wire = wire;
  }

  async #dial(outer: AbortSignal): Promise<Wire> {
    const { host, port } = this.to.at();
    const { caFile } = this.to;
    const { patienceMs } = this.around;
    const late = AbortSignal.timeout(patienceMs);
    const signal = AbortSignal.any([outer, late]);
    const known: Resolver = () => Promise.resolve(this.#addresses);
    try {
      if (this.#proxy) return await dialOutbound({ host, port, proxy: this.#proxy, caFile, signal });
      return await dialTcp({ host, port, resolve: known, signal });
    } catch (error) {
      if (error instanceof SallyportError) throw error;
      const why = late.aborted ? `no answer within ${patienceMs / 1000} s` : describe(error);
      if (this.#proxy) {
        const message = `The proxy ${describeProxy(this.#proxy)} is no way through: ${why}.`;
        throw new SallyportError("PROXY_UNREACHABLE", message, { cause: error });
      }
      throw this.#unreachable(`No TCP connection to ${this.#where} (${why})`, error);
    }
  }

  #unreachable(what: string, cause?: unknown): SallyportError {
    const code = this.to.what === "platform" ? "PLATFORM_UNREACHABLE" : "RELAY_UNREACHABLE";
    return new SallyportError(code, `${what}.`, { cause });
  }
}
