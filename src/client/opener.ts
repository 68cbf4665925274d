import type { Outbound } from "./outbound.ts";
import type { Admission } from "./platform-access.ts";
import { SharedTunnels } from "./shared-tunnels.ts";
import { type OpenedTunnel, openTunnel } from "./tunnel.ts";
import { Ways } from "./ways.ts";

/** What leads to the target; asked again with what has turned out to lead nowhere. */
export type Admit = (failed?: Admission) => Promise<Admission>;

/** For all of a tunnel, while there is no other gateway to try. */
const OPENING_MS = 30_000;

/** Opens tunnels to one target, by whichever way leads there. */
export class Opener {
  readonly ways: Ways<Admission>;
  readonly #shared = new SharedTunnels();

  /** @param prologue the first line of tunnels in HTTP mode */
  constructor(
    admit: Admit,
    private readonly prologue: Buffer,
    private readonly outbound?: Outbound,
  ) {
    this.ways = new Ways({ ways: admit });
  }

  /** @throws what `Ways.through`, `openTunnel` and the platform throw */
  open(): Promise<OpenedTunnel> {
    return this.ways.through(
      async ({ credentials, known: { mode, pooled }, relayTimeoutMs, timeoutMs = OPENING_MS }) => {
        const { outbound } = this;
        const options = { relayTimeoutMs, timeoutMs, outbound };
        // The next one may go to another gateway of the pool, with certificates of its own.
        if (mode === "tcp" && !pooled) return this.#shared.open(credentials, options);
        const tunnel = await openTunnel(credentials, { ...options, mode });
        if (mode === "http") tunnel.stream.write(Buffer.from(this.prologue));
        return tunnel;
      },
    );
  }

  /** Idle sessions go at once, others with their last tunnel; resolves when they are gone, within 2 s. */
  close(): Promise<void> {
    return this.#shared.close();
  }
}
