import { Name } from "./x509.ts";

export type SubjectField = "CN" | "O" | "OU";

/** Characters of an X.680 PrintableString; anything else becomes a UTF8String. */
const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?]*$/;

/**
 * A distinguished name with one attribute per RDN, in the given order. Built from parts, never from a joined string:
 * an organisation called `x, CN=<id>` stays the value of O and adds no CN.
 */
export function subject(...fields: [SubjectField, string][]): Name {
  const asText = (value: string) =>
    PRINTABLE.test(value) ? { printableString: value } : { utf8String: value };
  return new Name(fields.map(([field, value]) => ({ [field]: [asText(value)] })));
}
