/** Below this a chunk is left to the garbage collector: it may be a slice of Node's shared pool. */
const SMALLEST = 2048;
/** Bytes of framing that may precede or follow the data inside an allocation which the chunk still wholly owns. */
const FRAMING = 64;

/** A part of a chunk that is smaller than this share of it is copied: it would hold up the memory of the rest. */
const LEAST_SHARE = 1 / 8;

/** Memory that several hands hold, each by a chunk of its own. */
interface Shared {
  memory: ArrayBuffer;
  holders: number;
}

/** Null: it holds nothing any more. */
const shared = new WeakMap<Uint8Array, Shared | null>();

/**
 * Gives the memory of a chunk back at once instead of waiting for the garbage collector, which under load holds
 * hundreds of megabytes (Bun allocates 512 KiB per socket read). Only chunks that own their whole allocation qualify, or
 * share one that others have released; others are left alone. Nobody may touch the chunk, or another view of its bytes,
 * afterwards. Safe to call twice.
 */
export function release(chunk: Uint8Array): void {
  const allocation = allocationOf(chunk);
  if (!allocation) return;
  if (shared.has(chunk)) shared.set(chunk, null);
  allocation.holders -= 1;
  if (allocation.holders === 0) allocation.memory.transfer(0);
}

/** The part of a chunk of which nothing else is needed any more: `release` gives back all that the chunk owns. */
export function heir(chunk: Buffer, end: number, start = 0): Buffer {
  const part = chunk.subarray(start, end);
  const allocation = allocationOf(chunk);
  if (allocation) {
    shared.set(chunk, null);
    shared.set(part, allocation);
  }
  return part;
}

/**
 * A part of a chunk for a hand of its own: the memory goes back when the chunk and every part are released. What is
 * small is copied.
 */
export function share(chunk: Buffer, start: number, end: number): Buffer {
  const part = chunk.subarray(start, end);
  if (part.length < chunk.length * LEAST_SHARE) return Buffer.from(part);
  const allocation = allocationOf(chunk);
  if (allocation) {
    allocation.holders += 1;
    shared.set(chunk, allocation);
    shared.set(part, allocation);
  }
  return part;
}

/**
 * The two parts of a chunk, for hands that do not know of each other: neither passes for the owner of memory that the
 * other one still uses.
 */
export function split(chunk: Buffer, at: number): [Buffer, Buffer] {
  const parts: [Buffer, Buffer] = [chunk.subarray(0, at), chunk.subarray(at)];
  if (parts[0].length <= FRAMING) parts[0] = Buffer.from(parts[0]);
  else if (parts[1].length <= FRAMING) parts[1] = Buffer.from(parts[1]);
  return parts;
}

function allocationOf(chunk: Uint8Array): Shared | null {
  const known = shared.get(chunk);
  if (known !== undefined) return known;
  const { buffer: memory } = chunk;
  if (!(memory instanceof ArrayBuffer)) return null;
  const ownsAll = chunk.byteLength >= SMALLEST && memory.byteLength - chunk.byteLength <= FRAMING;
  return ownsAll ? { memory, holders: 1 } : null;
}
