import { closeSync, openSync, readFileSync, readSync } from "node:fs";

const PAGE = 4096;
/** One read; matches that straddle two reads are found by keeping the tail of the one before. */
const BLOCK = 1024 * PAGE;
/** pagemap(5): bit 63 = page in memory, bit 62 = swapped. One 64-bit entry a page. */
const PRESENT = 0xc0;

/**
 * Says whether `needle` stands anywhere in the resident memory of a process: every readable mapping in
 * /proc/<pid>/maps, page by page (Bun reserves address space by the gigabyte: pages that were never touched are
 * passed over). Needs to be root or the owner of the process.
 */
export function memoryContains(pid: number, needle: Uint8Array): boolean {
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const pagemap = openSync(`/proc/${pid}/pagemap`, "r");
  try {
    return mappings(pid).some(([start, end]) =>
      rangeContains(memory, pagemap, start, end, Buffer.from(needle)),
    );
  } finally {
    closeSync(memory);
    closeSync(pagemap);
  }
}

function mappings(pid: number): [number, number][] {
  return readFileSync(`/proc/${pid}/maps`, "utf8")
    .split("\n")
    .flatMap((line): [number, number][] => {
      const match = /^([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+\s*(\[v(?:var|syscall)\S*)?/.exec(line);
      if (!match || match[3]) return [];
      return [[Number.parseInt(match[1] ?? "", 16), Number.parseInt(match[2] ?? "", 16)]];
    });
}

function rangeContains(memory: number, pagemap: number, start: number, end: number, needle: Buffer): boolean {
  const block = Buffer.alloc(BLOCK);
  const entries = Buffer.alloc((BLOCK / PAGE) * 8);
  let tail = Buffer.alloc(0);
  for (let at = start, step = 0; at < end; at += step) {
    const length = Math.min(BLOCK, end - at);
    step = length;
    const known = readSync(pagemap, entries, 0, (length / PAGE) * 8, (at / PAGE) * 8);
    if (!anyPresent(entries.subarray(0, known))) {
      tail = Buffer.alloc(0);
      continue;
    }
    const got = readMemory(memory, block, length, at);
    if (got < length) step = Math.max(got, PAGE);
    const chunk = Buffer.concat([tail, block.subarray(0, got)]);
    if (chunk.includes(needle)) return true;
    tail = Buffer.from(chunk.subarray(Math.max(0, chunk.length - needle.length + 1)));
  }
  return false;
}

function anyPresent(entries: Buffer): boolean {
  for (let i = 7; i < entries.length; i += 8) if ((entries[i] ?? 0) & PRESENT) return true;
  return false;
}

/** The process runs on: a mapping may be gone by now, which reads as nothing. */
function readMemory(memory: number, into: Buffer, length: number, at: number): number {
  try {
    return readSync(memory, into, 0, length, at);
  } catch {
    return 0;
  }
}
