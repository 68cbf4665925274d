import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { makePrivateDirectory, writeFileWhole } from "../../host/atomic-file.ts";
import { readTextFile } from "../../host/bounded-file.ts";
import { describe } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";
import { parseJson } from "../json.ts";
import type { MachineLogin } from "./machine-login.ts";

const FILE = "access-token.json";
const LIMIT = 16 * 1024;

const stored = z.object({ version: z.literal(1), loginFor: z.string(), accessToken: z.string().min(1) });

/** The access token of the last login, kept for the next start in the state directory, 0600. */
export class KeptToken {
  readonly #path: string;
  readonly #loginFor: string;

  /** With another platform, method or id it is of no use. */
  constructor(
    private readonly directory: string,
    { method, id }: MachineLogin,
    domain: string,
    private readonly log: Logger,
  ) {
    this.#path = join(directory, FILE);
    this.#loginFor = createHash("sha256")
      .update(JSON.stringify([domain, method, id]))
      .digest("hex");
  }

  /** Undefined when there is none of use. Never fails. */
  async read(): Promise<string | undefined> {
    try {
      const kept = stored.safeParse(parseJson((await readTextFile(this.#path, LIMIT)) ?? "")).data;
      return kept?.loginFor === this.#loginFor ? kept.accessToken : undefined;
    } catch (error) {
      this.log.warn("The kept access token can't be read; logging in again", { reason: describe(error) });
      return undefined;
    }
  }

  /** A full disk is logged, not thrown: the next start logs in again. */
  async write(accessToken: string): Promise<void> {
    try {
      await makePrivateDirectory(this.directory);
      await writeFileWhole(
        this.#path,
        JSON.stringify({ version: 1, loginFor: this.#loginFor, accessToken }),
        0o600,
      );
    } catch (error) {
      this.log.warn("The access token can't be kept for the next start", { reason: describe(error) });
    }
  }
}
