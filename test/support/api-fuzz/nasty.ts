/** What a value is replaced with, by kinds; of each kind one is taken in turn. */
export const NASTY_VALUES: Record<string, readonly unknown[]> = {
  null: [null],
  boolean: [true, false],
  number: [0, -1, 1.5, 65_536, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308, -0],
  text: ["", " ", "office", "true", "null", "12", "-1", "[object Object]", "../..", "'; --", "%00", "$(x)"],
  address: ["127.0.0.1", "169.254.169.254", "[::1]", "http://127.0.0.1/", "0x7f000001", "localhost."],
  control: ["\u0000", "a\u0000b", "line\r\nSet-Cookie: x=y", "\u001b[2J", "\u007f"],
  unicode: ["\ud800", "a\udc00b", "\u202eoffice", "\u200f", "\ufeff", "e\u0301", "ß", "İ", "\u{1f6aa}", "ﬁ"],
  huge: ["a".repeat(300), "9".repeat(400), "é".repeat(5000), "a".repeat(50_000)],
  list: [[], [[]], [null], Array(5000).fill("x"), Array(300).fill({})],
  object: [{}, { a: { b: { c: {} } } }, { length: 1 }, { toString: 1 }, { $ref: "#/" }],
  time: ["0000-00-00T00:00:00Z", "9999-12-31T23:59:59Z", "+275760-09-13T00:00:00Z", "2026-02-30T00:00:00Z"],
  deep: [nested(200), nested(5000)],
};

function nested(depth: number): unknown {
  let value: unknown = "x";
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

/** Of a path, a query or a header, already encoded. */
export const NASTY_PARAMETERS: readonly string[] = [
  ...["%00", "%", "%ff", "..", "%2e%2e%2f", "a%2Fb", "%E0%A4%A", "%u0041", "-", "%20", "0", "null", "*"],
  ...["%27%3B--", "%ED%A0%80", "%E2%80%AE", "1e9", "-1", "99999999999999999999", "true", "%5Bobject%5D"],
  ...["00000000-0000-0000-0000-000000000000", "x".repeat(300), "%61".repeat(2000), "office", "Office"],
  ...["2026-13-01T00:00:00Z", "2026-01-01T00:00:00Z~00000000-0000-0000-0000-000000000000", "a%0d%0ab"],
];

export interface NastyBody {
  bytes: Uint8Array<ArrayBuffer>;
  type: string | undefined;
}

const encode = (text: string) => new TextEncoder().encode(text);
const JSON_TYPE = "application/json";

/** Whole bodies in place of the right one, which is given as text. */
export function nastyBodies(right: string): NastyBody[] {
  const json = (text: string): NastyBody => ({ bytes: encode(text), type: JSON_TYPE });
  const as = (type: string | undefined): NastyBody => ({ bytes: encode(right), type });
  return [
    ...[
      "",
      "{",
      "null",
      "[]",
      "0",
      '"text"',
      "{}",
      "NaN",
      "{'a':1}",
      `${right}${right}`,
      `\ufeff${right}`,
    ].map(json),
    ...['{"__proto__":{"admin":true}}', '{"constructor":{"prototype":{"x":1}}}', "[".repeat(30_000)].map(
      json,
    ),
    ...[`{"a":`.repeat(6000), `{"n":1${"0".repeat(2000)}}`, `{"n":1e${"9".repeat(50)}}`].map(json),
    json(`"${"a".repeat(66_000)}"`),
    json(doubled(right)),
    { bytes: latin1(right), type: JSON_TYPE },
    { bytes: new Uint8Array([0xff, 0xfe, 0x00, 0xd8]), type: JSON_TYPE },
    { bytes: Uint8Array.from({ length: 64 }, (_, i) => i * 4), type: JSON_TYPE },
    ...[
      undefined,
      "",
      "text/plain",
      "application/xml",
      "APPLICATION/JSON",
      `${JSON_TYPE}; charset=utf-16`,
    ].map(as),
    ...["multipart/form-data", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"].map(
      as,
    ),
    ...["application/json;", "application/vnd.api+json", "x".repeat(500)].map(as),
  ];
}

/** Every key twice, the second time with another value. */
function doubled(text: string): string {
  return text.replaceAll(/("(?:[^"\\]|\\.)*"):/g, "$1:null,$1:");
}

/** Bytes that are no UTF-8 inside every text. */
function latin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = encode(text);
  return bytes.map((byte) => (byte === 0x2d || byte === 0x65 ? 0xe9 : byte));
}
