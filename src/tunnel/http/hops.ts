import { type Field, membersOf } from "./field.ts";

/** Meant for one hop only (RFC 9110, 7.6.1), besides those that `Connection` names. */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
];

/** What no trailer may say: it would come too late, or not be checked (RFC 9110, 6.5.1). */
const NEVER_TRAILERS = [
  ...HOP_BY_HOP,
  "authorization",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "cookie",
  "expect",
  "host",
  "set-cookie",
  "trailer",
];

/**
 * The fields that pass on, as they came, without those of one hop and without `dropped` (lower case). The length goes,
 * too: `Connection` might name it, and each side says for itself how its body ends.
 */
export function endToEnd(fields: readonly Field[], dropped: readonly string[] = []): Field[] {
  const left = new Set([...HOP_BY_HOP, "content-length", ...membersOf(fields, "connection"), ...dropped]);
  return fields.filter(({ name }) => !left.has(name.toLowerCase()));
}

/** The trailers that pass on. */
export function endToEndTrailers(fields: readonly Field[], dropped: readonly string[] = []): Field[] {
  const left = new Set([...NEVER_TRAILERS, ...dropped]);
  return fields.filter(({ name }) => !left.has(name.toLowerCase()));
}

/** The protocols that a message wants to change to, as it spells them. */
export function upgradeOf(fields: readonly Field[], minor: 0 | 1): string | undefined {
  if (minor === 0 || !membersOf(fields, "connection").includes("upgrade")) return undefined;
  const named = fields.filter(({ name }) => name.toLowerCase() === "upgrade");
  return named.length === 0 ? undefined : named.map(({ value }) => value).join(", ");
}
