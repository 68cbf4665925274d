import { open } from "node:fs/promises";
import { describe, SallyportError } from "../../telemetry/error.ts";
import { damaged, LINE_LIMIT } from "./format.ts";

const BLOCK = 256 * 1024;

/**
 * The lines of a file with their line ends, in memory one block and one line at a time.
 * @throws SallyportError FILE_UNREADABLE, BACKUP_INVALID for a line that never ends
 */
export async function* readLines(path: string): AsyncGenerator<string> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, "r");
    if ((await file.stat()).isDirectory()) {
      await file.close();
      throw new Error("it is a directory");
    }
  } catch (error) {
    throw new SallyportError("FILE_UNREADABLE", `Cannot read ${path}: ${describe(error)}.`, { cause: error });
  }
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    const block = Buffer.alloc(BLOCK);
    let rest = "";
    for (;;) {
      const { bytesRead } = await file.read(block, 0, BLOCK, null);
      if (bytesRead === 0) break;
      rest += decode(decoder, block.subarray(0, bytesRead));
      for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
        yield rest.slice(0, end + 1);
        rest = rest.slice(end + 1);
      }
      if (rest.length > LINE_LIMIT) throw damaged("it has a line without an end");
    }
    if (rest !== "") throw damaged("it is cut off");
  } finally {
    await file.close();
  }
}

function decode(decoder: TextDecoder, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes, { stream: true });
  } catch {
    throw damaged("it is no text");
  }
}
