import type { Resolver } from "./target-resolve.ts";

/** A name's lookup is used again for so long, by connections that come at once; milliseconds. */
const FRESH_MS = 1000;
const MOST_NAMES = 256;

interface Lookup {
  addresses: Promise<string[]>;
  until: number;
}

/**
 * A resolver that asks once a second at most for each name: a lookup costs a turn in the thread pool, and a program that
 * opens a hundred connections asks a hundred times for the same name. A failure is not used again.
 * @param now milliseconds of a clock that never goes back
 */
export function recentAnswers(resolve: Resolver, now: () => number = () => performance.now()): Resolver {
  const lookups = new Map<string, Lookup>();
  const ask = (name: string): Lookup => {
    const lookup = { addresses: resolve(name), until: now() + FRESH_MS };
    lookups.delete(name);
    lookups.set(name, lookup);
    lookup.addresses.catch(() => {
      if (lookups.get(name) === lookup) lookups.delete(name);
    });
    const oldest = lookups.size > MOST_NAMES ? lookups.keys().next().value : undefined;
    if (oldest !== undefined) lookups.delete(oldest);
    return lookup;
  };
  return (name) => {
    const known = lookups.get(name);
    return (known && now() < known.until ? known : ask(name)).addresses;
  };
}
