/** A line of a head or of trailers, spelled as it came. */
export interface Field {
  name: string;
  value: string;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Visible characters, spaces, tabs and bytes above ASCII, none of the control characters (RFC 9110, 5.5). */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** The field of one line (RFC 9112, 5), or why it is none. Only whitespace around the value is taken off. */
export function parseField(line: string): Field | string {
  if (line.startsWith(" ") || line.startsWith("\t")) return "a header is folded over several lines";
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(0, colon));
  if (!isToken(name)) return "a header has no valid name";
  const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
  return VALUE.test(value) ? { name, value } : "a header holds control characters";
}

export function formatFields(fields: readonly Field[]): string {
  return fields.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
}

/** The values of all fields of that name (lower case), in order. */
export function valuesOf(fields: readonly Field[], name: string): string[] {
  return fields.filter((field) => field.name.toLowerCase() === name).map(({ value }) => value);
}

/** The members of the lists in all fields of that name, in lower case (RFC 9110, 5.6.1). */
export function membersOf(fields: readonly Field[], name: string): string[] {
  return valuesOf(fields, name)
    .flatMap((value) => value.toLowerCase().split(","))
    .map((member) => member.trim())
    .filter((member) => member !== "");
}
