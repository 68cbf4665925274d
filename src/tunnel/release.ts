/** Below this a chunk is left to the garbage collector: it may be a slice of Node's shared pool. */
const SMALLEST = 2048;
/** Bytes of framing that may precede or follow the data inside an allocation which the chunk still wholly owns. */
const FRAMING = 64;

/**
 * Gives the memory of a chunk back at once instead of waiting for the garbage collector, which under load holds
 * hundreds of megabytes (Bun allocates 512 KiB per socket read). Only chunks that own their whole allocation qualify;
 * others are left alone. Nobody may touch the chunk, or another view of its allocation, afterwards.
 */
export function release(chunk: Uint8Array): void {
  const { buffer } = chunk;
  if (buffer instanceof ArrayBuffer && ownsAll(chunk)) buffer.transfer(0);
}

const heirs = new WeakSet<Uint8Array>();

/** The part of a chunk of which nothing else is needed any more: `release` gives back all that the chunk owns. */
export function heir(chunk: Buffer, end: number, start = 0): Buffer {
  const rest = chunk.subarray(start, end);
  if (ownsAll(chunk)) heirs.add(rest);
  return rest;
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

function ownsAll(chunk: Uint8Array): boolean {
  if (heirs.has(chunk)) return true;
  return chunk.byteLength >= SMALLEST && chunk.buffer.byteLength - chunk.byteLength <= FRAMING;
}
