/** Bytes. With more the caches of the CPU suffer. */
const BALLAST = 32 * 1024 * 1024;
const held: Buffer[] = [];

/**
 * Lets a small process that carries much traffic collect garbage less often. Bun's collector runs when about as much has
 * been allocated as the heap holds, buffers that were given back at once (`release`) included: a client with a heap of a
 * few MB would collect 300 times per GB, a fifth of its CPU time. The ballast counts as held but is never touched, so it
 * is address space and no memory. Call as often as you like.
 */
export function carryBallast(): void {
  if (held.length === 0) held.push(Buffer.allocUnsafeSlow(BALLAST));
}
