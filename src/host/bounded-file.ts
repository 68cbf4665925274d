import { open } from "node:fs/promises";
import { describe, SallyportError, systemCode } from "../telemetry/error.ts";

/**
 * A text file of at most `limit` bytes, or undefined if it does not exist. A file that is larger is not read further.
 * @throws SallyportError FILE_UNREADABLE
 */
export async function readTextFile(path: string, limit: number): Promise<string | undefined> {
  try {
    const file = await open(path, "r");
    try {
      const buffer = Buffer.alloc(limit + 1);
      let length = 0;
      for (let read = -1; read !== 0 && length < buffer.length; length += read) {
        read = (await file.read(buffer, length, buffer.length - length, null)).bytesRead;
      }
      if (length > limit) throw new Error(`it is larger than ${limit} bytes`);
      return buffer.toString("utf8", 0, length);
    } finally {
      await file.close();
    }
  } catch (cause) {
    const code = systemCode(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new SallyportError("FILE_UNREADABLE", `Cannot read ${path}: ${describe(cause)}`, { cause });
  }
}
