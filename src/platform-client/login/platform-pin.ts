import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { makePrivateDirectory, writeFileWhole } from "../../host/atomic-file.ts";
import { readTextFile } from "../../host/bounded-file.ts";
import { describe, SallyportError } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";
import { parseJson } from "../json.ts";

const FILE = "platform-id.json";
const LIMIT = 4096;

/** `platformId` null = the platform says none, as Infisical's. */
const stored = z.object({ version: z.literal(1), domain: z.string(), platformId: z.string().nullable() });

interface Pinned {
  role: "gateway" | "relay";
  name: string;
  /** Its state directory. */
  directory: string;
  /** Of the platform; with another one the pin is made anew. */
  domain: string;
}

/**
 * Which platform this host signed its first login for. A platform chooses the id that a signature names (EXTENSIONS X8):
 * without this one that has turned hostile could ask for a signature that counts at another platform.
 */
export class PlatformPin {
  readonly #path: string;

  constructor(
    private readonly pinned: Pinned,
    private readonly log: Logger,
  ) {
    this.#path = join(pinned.directory, FILE);
  }

  /**
   * To be asked before anything is signed. The first id is kept, as far as the disk allows.
   * @throws SallyportError PLATFORM_CHANGED when it is another one than before; FILE_UNREADABLE
   */
  async require(platformId: string | undefined): Promise<void> {
    const { role, name, domain } = this.pinned;
    const before = stored.safeParse(parseJson((await readTextFile(this.#path, LIMIT)) ?? "")).data;
    if (before?.domain !== domain) return await this.#keep(platformId ?? null);
    if (before.platformId === (platformId ?? null)) return;
    throw new SallyportError(
      "PLATFORM_CHANGED",
      `${domain} is another platform than the one that the ${role} ${name} logged in to first, so nothing is signed for ` +
        `it: if the platform was set up anew, run "sallyport ${role} enroll ${name}" once, otherwise find out who answers there.`,
    );
  }

  /** What a person does who enrolls again: the next platform is the right one. @throws what removing a file throws */
  async forget(): Promise<void> {
    await rm(this.#path, { force: true });
  }

  async #keep(platformId: string | null): Promise<void> {
    const { directory, domain } = this.pinned;
    try {
      await makePrivateDirectory(directory);
      await writeFileWhole(this.#path, JSON.stringify({ version: 1, domain, platformId }), 0o600);
    } catch (error) {
      this.log.warn("The platform's id can't be kept, so that another one would not be noticed", {
        reason: describe(error),
      });
    }
  }
}
