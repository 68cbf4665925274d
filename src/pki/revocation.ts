import { join } from "node:path";
import { z } from "zod";
import { readTextFile } from "../host/bounded-file.ts";
import { SallyportError } from "../telemetry/error.ts";
import type { Revocations } from "./credentials.ts";
import { REVOKED_FILE } from "./identity.ts";

const SIZE_LIMIT = 8 * 1024 * 1024;

const schema = z.object({
  version: z.literal(1),
  /** Hex for X.509, `ssh:<decimal>` for SSH, as in `Revocations`. */
  serials: z.array(z.string().regex(/^([1-9a-f][0-9a-f]{0,39}|ssh:\d{1,20})$/)),
  gatewayIds: z.array(z.uuid()),
});

/**
 * `revoked.json` of a directory; a missing file revokes nothing.
 * @throws SallyportError FILE_UNREADABLE, CONFIG_INVALID: a list that can't be read must not count as empty
 */
export async function readRevocations(directory: string): Promise<Revocations> {
  const path = join(directory, REVOKED_FILE);
  const text = await readTextFile(path, SIZE_LIMIT);
  if (text === undefined) return { serials: new Set(), gatewayIds: new Set() };
  try {
    const { serials, gatewayIds } = schema.parse(JSON.parse(text));
    return { serials: new Set(serials), gatewayIds: new Set(gatewayIds) };
  } catch (cause) {
    throw new SallyportError("CONFIG_INVALID", `${path} is damaged: copy it again from the CA's directory`, {
      cause,
    });
  }
}

/** The text of `revoked.json`. */
export function renderRevocations(revocations: Revocations): string {
  const list = {
    version: 1,
    serials: [...revocations.serials],
    gatewayIds: [...revocations.gatewayIds],
  } satisfies z.infer<typeof schema>;
  return `${JSON.stringify(list, null, 2)}\n`;
}
