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
  if (chunk.byteLength < SMALLEST || !(buffer instanceof ArrayBuffer)) return;
  if (buffer.byteLength - chunk.byteLength > FRAMING) return;
  buffer.transfer(0);
}
