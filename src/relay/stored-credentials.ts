import { join } from "node:path";
import { z } from "zod";
import type { Clock } from "../host/clock.ts";
import { KeptFile } from "../host/kept-file.ts";
import type { RelayCredentials } from "../pki/credentials.ts";
import type { Conditions } from "../telemetry/conditions.ts";
import { describe } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import { expiryOf } from "./renewal.ts";

const FILE = "credentials.json";
const text = z.string().max(256 * 1024);
const identity = { certificate: text, privateKey: text };

const stored = z.object({
  relayId: text,
  relayName: text,
  host: text,
  tls: z.object({ ...identity, clientAuthorities: text }),
  ssh: z.object({ host: z.object(identity), userAuthorities: z.array(text).max(16) }),
});

/** Credentials kept for the next start. Not being able to is no reason to stop: the relay runs without. */
export class StoredCredentials {
  readonly #file: KeptFile;

  /** @param conditions where it says that it can't write */
  constructor(directory: string, log: Logger, conditions?: Conditions) {
    const trouble = "The certificates can't be kept for the next start, which will need the platform";
    this.#file = new KeptFile({ path: join(directory, FILE), trouble, conditions, log });
  }

  /** Never fails. */
  async keep(credentials: RelayCredentials): Promise<void> {
    await this.#file.keep(`${JSON.stringify(stored.parse(credentials), null, 2)}\n`);
  }

  /** Safe to call twice. */
  close(): void {
    this.#file.close();
  }
}

interface Wanted {
  stateDirectory: string;
  relayName: string;
  relayId?: string | undefined;
  log: Logger;
}

/** The stored credentials if they are this relay's and still valid. */
export async function readStored(wanted: Wanted & { clock: Clock }): Promise<RelayCredentials | undefined> {
  const found = await findStored(wanted);
  return found && expiryOf(found) > wanted.clock.now() ? found : undefined;
}

/** The stored credentials if they are this relay's, valid or not. */
export async function findStored(wanted: Wanted): Promise<RelayCredentials | undefined> {
  const { stateDirectory, relayName, relayId, log } = wanted;
  const file = Bun.file(join(stateDirectory, FILE));
  if (!(await file.exists())) return undefined;
  try {
    const credentials = stored.parse(await file.json());
    if (credentials.relayName !== relayName) return undefined;
    if (relayId !== undefined && credentials.relayId !== relayId) return undefined;
    // Without certificates that can be read there is nothing to start with.
    expiryOf(credentials);
    return credentials;
  } catch (error) {
    log.warn("The stored certificates can't be used", { reason: describe(error) });
    return undefined;
  }
}
