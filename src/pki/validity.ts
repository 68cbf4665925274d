/** Clocks differ: everything is valid from five minutes before it was issued (PROTOCOL C). */
const BACKDATED_MS = 5 * 60 * 1000;
const AUTHORITIES_END = 2045;

export interface Validity {
  notBefore: Date;
  notAfter: Date;
}

/** A leaf: from five minutes ago until `ttlSeconds` from now, but never longer than its issuer. */
export function leafValidity(now: Date, ttlSeconds: number, issuerEnds?: Date): Validity {
  const end = now.getTime() + ttlSeconds * 1000;
  return {
    notBefore: wholeSecond(now.getTime() - BACKDATED_MS),
    notAfter: wholeSecond(issuerEnds ? Math.min(end, issuerEnds.getTime()) : end),
  };
}

/** An authority: until the same month and day of 2045, in UTC. 2045 has no 29 February: the 28th then. */
export function authorityValidity(now: Date): Validity {
  const end = new Date(wholeSecond(now.getTime()));
  const month = end.getUTCMonth();
  end.setUTCFullYear(AUTHORITIES_END);
  if (end.getUTCMonth() !== month) end.setUTCDate(0);
  return { notBefore: wholeSecond(now.getTime() - BACKDATED_MS), notAfter: end };
}

/** X.509 and SSH count whole seconds. */
function wholeSecond(milliseconds: number): Date {
  return new Date(Math.floor(milliseconds / 1000) * 1000);
}
