import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { KeptFile } from "../host/kept-file.ts";
import type { Conditions } from "../telemetry/conditions.ts";
import { systemCode } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import { type Issued, validity } from "./issued.ts";

/** Credentials kept over a restart (EXTENSIONS, "Where things live"), 0600 in the state directory. */
export interface CredentialsCache {
  /** What was kept, whether still valid or not; undefined when there is nothing of use. Never fails. */
  read(): Promise<Issued | undefined>;
  /** Keeps them. A full disk is said, not thrown: the gateway works without the cache, and it is tried again. */
  write(issued: Issued): Promise<void>;
  /** Safe to call twice. */
  close(): void;
}

const FILE = "credentials.json";

const text = z
  .string()
  .min(1)
  .max(256 * 1024);
const identity = z.object({ certificate: text, privateKey: text });
const stored = z.object({
  version: z.literal(1),
  /** Of what they were issued for: another access token, platform or choice of relays makes them useless. */
  fingerprint: text,
  credentials: z.object({
    gatewayId: text,
    gatewayName: text,
    relays: z
      .array(
        z.object({
          relayName: text.optional(),
          host: text,
          sshPort: z.number().int().min(1).max(65_535),
          ssh: identity,
          hostAuthorities: z.array(text).max(64),
        }),
      )
      .min(1)
      .max(4),
    tls: identity.extend({ clientAuthorities: text }),
  }),
});

/** Whether this state directory has been used before. */
export async function hasCache(directory: string): Promise<boolean> {
  return Bun.file(join(directory, FILE)).exists();
}

/**
 * @param issuedFor everything that the credentials depend on, secrets included: only its hash is kept
 * @param conditions where it says that it can't be written
 */
export function openCredentialsCache(
  directory: string,
  issuedFor: readonly string[],
  log: Logger,
  conditions?: Conditions,
): CredentialsCache {
  const path = join(directory, FILE);
  const trouble = "The certificates can't be kept for the next start, which will need the platform";
  const file = new KeptFile({ path, trouble, conditions, log });
  const fingerprint = createHash("sha256").update(JSON.stringify(issuedFor)).digest("hex");
  return {
    async read() {
      try {
        const parsed = stored.parse(JSON.parse(await readFile(path, "utf8")));
        if (parsed.fingerprint !== fingerprint) return undefined;
        const relays = parsed.credentials.relays.map((relay) => ({ ...relay, relayName: relay.relayName }));
        return validity({ ...parsed.credentials, relays });
      } catch (error) {
        const missing = systemCode(error) === "ENOENT";
        if (!missing) log.warn("The kept credentials can't be used; new ones are fetched", { path });
        return undefined;
      }
    },
    async write({ credentials }) {
      const { gatewayId, gatewayName, relays, tls } = credentials;
      const kept = { version: 1, fingerprint, credentials: { gatewayId, gatewayName, relays, tls } };
      await file.keep(JSON.stringify(kept));
    },
    close: () => file.close(),
  };
}
