import { type Clock, systemClock } from "../../host/clock.ts";
import { descriptors } from "../../host/descriptors.ts";
import { addressesOf, type Resolver } from "./addresses.ts";
import { firstOf } from "./first-of.ts";
import { Wire, type WireTarget } from "./wire.ts";

export interface TcpDial {
  /** A name or an address; IPv6 with or without brackets. */
  host: string;
  port: number;
  tls?: WireTarget["tls"];
  signal?: AbortSignal | undefined;
  resolve?: Resolver | undefined;
  clock?: Clock;
}

/** RFC 8305, 8: Connection Attempt Delay. */
const STAGGER_MS = 250;

/**
 * Connects to a host with whichever of its addresses answers first. Rejects with the system's error, RESOURCE_SHORTAGE,
 * or the signal's reason. Bun 1.4.5 can't take back a connect that is under way: one that nobody waits for is closed when it opens, or
 * ends with the kernel's own time-out of some two minutes.
 */
export async function dialTcp({ host, port, tls, signal, resolve, clock }: TcpDial): Promise<Wire> {
  signal?.throwIfAborted();
  descriptors.requireOne();
  return firstOf(await addressesOf(host, resolve), {
    attempt: (address) => Wire.connect({ address, port, tls }),
    discard: (wire) => wire.close(),
    staggerMs: STAGGER_MS,
    clock: clock ?? systemClock,
    signal,
  });
}
