import { formatHostPort } from "../../host/address.ts";
import type { ClientCredentials } from "../../pki/credentials.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { ALPN, saysWhy } from "../../tunnel/alpn.ts";
import { lastWords } from "../../tunnel/last-words.ts";
import { readStatusLine } from "../../tunnel/status-line.ts";
import type { ByteStream } from "../../tunnel/stream.ts";
import { dialInnerTls } from "../../tunnel/tls/inner-client.ts";
import { dialOuterTls } from "../../tunnel/tls/outer-client.ts";
import { environmentOutbound, type Outbound } from "../outbound.ts";
import { requireCurrent } from "../own-certificate.ts";
import { explainSilence, explainSilentRefusal } from "../reach-gateway.ts";
import type { Surroundings } from "./context.ts";
import { lookAtWay } from "./reach.ts";
import { type Collector, notApplicable, type Outcome } from "./step.ts";
import { sampleThroughput } from "./throughput.ts";

export interface TunnelLook {
  /** Asked once the steps in `needs` were good. */
  credentials: () => ClientCredentials;
  needs: readonly string[];
  explainedBy?: readonly string[];
  /** PEM file of authorities that an https proxy may be certified by. */
  caFile?: string | undefined;
}

/** From the client to the target, in the steps that `openTunnel` takes at once. */
export function lookAtTunnel(look: TunnelLook, around: Surroundings): Collector {
  const outbound = environmentOutbound(around.env, look.caFile);
  const tunnel = new TunnelLooker(look.credentials, outbound, around);
  const at = () => ({ host: look.credentials().relayHost, port: look.credentials().relayPort });
  const way = lookAtWay({ what: "relay", at, needs: look.needs, ...outbound }, around);
  const { patienceMs } = around;
  const { needs, explainedBy = [] } = look;
  const common = { explainedBy, timeoutMs: patienceMs + MARGIN_MS };
  return {
    close() {
      way.close?.();
      tunnel.close();
    },
    steps: [
      {
        ...common,
        id: "own-certificate",
        title: "Client certificates",
        needs,
        run: async () => tunnel.ownCertificates(),
      },
      ...way.steps,
      {
        ...common,
        id: "outer-tls",
        title: "TLS to the relay",
        needs: ["own-certificate", way.key],
        run(signal) {
          way.close?.();
          return tunnel.outer(signal);
        },
      },
      {
        ...common,
        id: "channel",
        title: "Channel to the gateway",
        needs: ["outer-tls"],
        timeoutMs: patienceMs + RELAY_OPENS_MS,
        run: (signal) => tunnel.channel(signal),
      },
      {
        ...common,
        id: "inner-tls",
        title: "TLS to the gateway",
        needs: ["channel"],
        run: (signal) => tunnel.inner(signal),
      },
      {
        ...common,
        id: "target",
        title: "Target",
        needs: ["inner-tls"],
        timeoutMs: patienceMs + GATEWAY_DIALS_MS,
        run: (signal) => tunnel.target(signal),
      },
      {
        ...common,
        id: "throughput",
        title: "Throughput sample",
        needs: ["inner-tls"],
        timeoutMs: 2 * patienceMs,
        run: (signal) => tunnel.throughput(signal),
      },
    ],
  };
}

const MARGIN_MS = 1000;
/** A relay gives a gateway 10 s to accept a channel, a gateway the same to a target: they say what went wrong. */
const RELAY_OPENS_MS = 11_000;
const GATEWAY_DIALS_MS = 11_000;
/** A target that does not close after our end is left without a farewell. */
const LEAVE_MS = 1_000;

class TunnelLooker {
  #stream: ByteStream | undefined;
  #alpn: string | null = null;
  /** Whether the relay said that it joined us to the gateway. */
  #confirmed = false;

  constructor(
    private readonly credentials: () => ClientCredentials,
    private readonly outbound: Outbound,
    private readonly around: Surroundings,
  ) {}

  ownCertificates(): Outcome {
    const { relay, gateway } = this.credentials();
    requireCurrent(relay.certificate, "relay", this.around.now());
    requireCurrent(gateway.certificate, "gateway", this.around.now());
    return "both are valid now";
  }

  async outer(signal: AbortSignal): Promise<Outcome> {
    const { relay, relayHost, relayAddress, relayPort } = this.credentials();
    const { stream, alpn, peer } = await dialOuterTls({
      host: relayHost,
      address: relayAddress,
      port: relayPort,
      proxy: this.outbound.proxy({ host: relayHost, port: relayPort }),
      caFile: this.outbound.caFile,
      identity: relay,
      timeoutMs: this.around.patienceMs,
      signal,
    });
    this.#stream = stream;
    this.#alpn = alpn;
    return `the relay's certificate lasts until ${peer.notAfter.toISOString()}`;
  }

  /** Under TLS 1.3 a relay that does not take our certificate says so only here. */
  async channel(signal: AbortSignal): Promise<Outcome> {
    if (!saysWhy(this.#alpn)) return notApplicable("a relay of Infisical's does not say");
    this.#stream = await this.#hear(this.#opened(), RELAY_OPENS_MS, signal, this.#relay);
    this.#confirmed = true;
    return "the relay has joined us to the gateway";
  }

  async inner(signal: AbortSignal): Promise<Outcome> {
    const { gateway, gatewayId, requireGatewayUri } = this.credentials();
    try {
      const { stream, alpn, peer } = await dialInnerTls(this.#opened(), {
        identity: gateway,
        alpns: [ALPN.sallyportTcp, ALPN.tcp],
        gatewayId,
        requireUri: requireGatewayUri,
        timeoutMs: this.around.patienceMs,
        signal,
      });
      this.#stream = stream;
      this.#alpn = alpn;
      return `the gateway's certificate lasts until ${peer.notAfter.toISOString()}`;
    } catch (error) {
      this.#stream = undefined;
      if (this.#confirmed || !(error instanceof SallyportError)) throw error;
      throw explainSilence(error, this.credentials());
    }
  }

  async target(signal: AbortSignal): Promise<Outcome> {
    if (this.#alpn !== ALPN.sallyportTcp) return notApplicable("a gateway of Infisical's does not say");
    const stream = await this.#hear(this.#opened(), GATEWAY_DIALS_MS, signal, this.#gateway);
    // To cut it would make of each diagnosis a connection that relay and gateway have lost.
    void lastWords(stream, null, LEAVE_MS);
    this.#stream = undefined;
    const { target } = this.credentials();
    return target ? `${formatHostPort(target.host, target.port)} answers` : "it answers";
  }

  async throughput(signal: AbortSignal): Promise<Outcome> {
    if (this.#alpn !== ALPN.sallyportTcp) {
      return notApplicable("a gateway of Infisical's takes no sample");
    }
    return await sampleThroughput(this.credentials(), this.outbound, this.around.patienceMs, signal);
  }

  close(): void {
    this.#stream?.destroy();
    this.#stream = undefined;
  }

  async #hear(stream: ByteStream, ms: number, signal: AbortSignal, who: string): Promise<ByteStream> {
    const answer = await readStatusLine(stream, ms, signal);
    if (answer.ok) return answer.stream;
    this.#stream = undefined;
    throw explainSilentRefusal(answer.error, who);
  }

  #opened(): ByteStream {
    if (this.#stream) return this.#stream;
    throw new SallyportError("INTERNAL", "There is no connection to look at.");
  }

  get #relay(): string {
    const { relayHost, relayPort } = this.credentials();
    return `The relay ${formatHostPort(relayHost, relayPort)}`;
  }

  get #gateway(): string {
    const { gatewayName, gatewayId } = this.credentials();
    return `The gateway ${gatewayName ?? gatewayId}`;
  }
}
