import type { HostPort } from "../../host/address.ts";
import type { Code } from "../../telemetry/codes.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { Opener } from "../opener.ts";
import type { Outbound } from "../outbound.ts";
import type { OpenedTunnel } from "../tunnel.ts";
import type { Reach } from "./reach.ts";

/** Targets whose certificates are kept; those of the least recently used one go first. */
const MOST = 256;
/** So long a refusal of the platform is repeated without asking it again. */
const REFUSED_MS = 3000;

const REFUSALS: ReadonlySet<Code> = new Set<Code>([
  "FORBIDDEN",
  "NOT_FOUND",
  "REQUEST_INVALID",
  "RATE_LIMITED",
]);

interface Entry {
  opener: Opener;
  refused?: { error: SallyportError; until: number };
}

/** Opens tunnels to whatever target is asked for; the platform is asked once for each while its answer lasts. */
export class Openers {
  /** The least recently used one first. */
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;

  constructor(
    private readonly reach: Reach,
    private readonly prologue: Buffer,
    private readonly options: { outbound?: Outbound | undefined; now?: () => number } = {},
  ) {
    this.#now = options.now ?? (() => performance.now());
  }

  /** Targets that are known. */
  get size(): number {
    return this.#entries.size;
  }

  /** @throws SallyportError what the platform, a relay or the gateway says against it */
  async open(target: HostPort): Promise<OpenedTunnel> {
    const { key, admit } = await this.reach(target);
    const entry = this.#entries.get(key) ?? {
      opener: new Opener(admit, this.prologue, this.options.outbound),
    };
    this.#use(key, entry);
    if (entry.refused && this.#now() < entry.refused.until) throw entry.refused.error;
    try {
      return await entry.opener.open();
    } catch (error) {
      if (error instanceof SallyportError && REFUSALS.has(error.code)) {
        entry.refused = { error, until: this.#now() + REFUSED_MS };
      }
      throw error;
    }
  }

  /** As `Opener.close`. */
  async close(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(({ opener }) => opener.close()));
  }

  #use(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MOST && oldest !== undefined) this.#entries.delete(oldest);
  }
}
