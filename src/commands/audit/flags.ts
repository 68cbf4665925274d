import { type FileHandle, open } from "node:fs/promises";
import { describe, SallyportError, systemCode } from "../../telemetry/error.ts";
import { parseDuration } from "../duration.ts";
import { sessionArgs } from "../session.ts";

export const listingArgs = {
  since: { type: "string", description: "Not before: 24h, 7d, or 2030-01-31T18:00:00Z", valueHint: "time" },
  until: { type: "string", description: "Before: 1h, or 2030-01-31T18:00:00Z", valueHint: "time" },
  person: {
    type: "string",
    description: "Only of this person: an e-mail address or an id",
    valueHint: "person",
  },
  limit: { type: "string", description: "How many, at most 1000 (100)", valueHint: "count" },
  export: {
    type: "string",
    description: "Write all of it as JSON Lines into this file; - for stdout",
    valueHint: "file",
  },
  force: { type: "boolean", description: "With --export: overwrite a file that is there already" },
  ...sessionArgs,
  json: { type: "boolean", description: "Print JSON" },
} as const;

interface ListingFlags {
  since?: string | undefined;
  until?: string | undefined;
  person?: string | undefined;
}

/** The filter that both lists know. @throws SallyportError USAGE */
export function listingFilter({ since, until, person }: ListingFlags) {
  return {
    ...(since !== undefined && { since: timeOf(since, "--since") }),
    ...(until !== undefined && { until: timeOf(until, "--until") }),
    ...(person !== undefined && { actor: person }),
  };
}

/** @throws SallyportError USAGE */
export function limitOf(text: string | undefined): { limit?: number } {
  if (text === undefined) return {};
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= 1000) return { limit };
  throw new SallyportError("USAGE", "--limit has to be a number from 1 to 1000.");
}

/** A time, or how long ago. */
function timeOf(text: string, flag: string): string {
  if (/^[\d dhms]+$/.test(text)) return new Date(Date.now() - parseDuration(text, flag) * 1000).toISOString();
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  throw new SallyportError("USAGE", `${flag} has to be a time such as 24h or 2030-01-31T18:00:00Z.`);
}

/**
 * Writes what comes as it comes.
 * @throws SallyportError ALREADY_EXISTS unless told to overwrite, FILE_UNWRITABLE
 */
export async function exportTo(
  { file, force }: { file: string; force: boolean | undefined },
  lines: ReadableStream<Uint8Array>,
): Promise<void> {
  await using out = file === "-" ? undefined : await openExport(file, force ? "w" : "wx");
  try {
    for await (const chunk of lines) {
      if (out) await out.writeFile(chunk);
      else await writeOut(chunk);
    }
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause;
    throw new SallyportError("FILE_UNWRITABLE", `The export ended early: ${describe(cause)}.`, { cause });
  }
}

async function openExport(file: string, how: "w" | "wx"): Promise<FileHandle> {
  try {
    return await open(file, how, 0o600);
  } catch (cause) {
    if (systemCode(cause) === "EEXIST") {
      const message = `${file} is there already: name a new file, or overwrite it with --force.`;
      throw new SallyportError("ALREADY_EXISTS", message, { cause });
    }
    throw new SallyportError("FILE_UNWRITABLE", `Cannot write ${file}: ${describe(cause)}.`, { cause });
  }
}

function writeOut(chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) =>
    process.stdout.write(chunk, (error) => (error ? reject(error) : resolve())),
  );
}
