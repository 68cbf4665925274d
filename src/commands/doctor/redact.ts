/** Conf keys whose values anybody may see. What is not listed is left out: a new key is a secret until it is known. */
const SHOWN =
  /^(?:INFISICAL|SALLYPORT)_(?:(?:GATEWAY|RELAY)_(?:NAME|DOMAIN|ID|ENROLL_METHOD|HOST|TYPE|SSH_PORT|TLS_PORT|LISTEN|EXEMPT)|DOMAIN|API_URL|ALLOW|DENY|CA_FILE|INSECURE_HTTP|TUNNELS)$/;
const HIDDEN = "<redacted>";
/** A shorter value is no secret, and would tear words apart. */
const SHORTEST = 6;

/** What a secret looks like wherever it stands. */
const PATTERNS: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, HIDDEN],
  [/\b(?:gwe|spt|setup)_[\w-]{8,}/g, HIDDEN],
  [/\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?/g, HIDDEN],
  [/\b(bearer|basic)\s+[\w+/=.~-]{8,}/gi, `$1 ${HIDDEN}`],
  [/(:\/\/)[^\s/@:]+(?::[^\s/@]*)?@/g, `$1${HIDDEN}@`],
  [/((?:token|secret|password|private_?key)["']?\s*[=:]\s*["']?)[^\s"',}]{4,}/gi, `$1${HIDDEN}`],
];

/** Takes everything secret out of texts that leave the machine (ACCEPTANCE O5). */
export class Redactor {
  readonly #secrets: string[];

  /** @param secrets values that are known to be secret */
  constructor(secrets: readonly (string | undefined)[]) {
    const known = secrets.flatMap((value) =>
      value !== undefined && value.length >= SHORTEST ? [value] : [],
    );
    // The longest first: one may hold another.
    this.#secrets = [...new Set(known)].sort((a, b) => b.length - a.length);
  }

  text(text: string): string {
    const known = this.#secrets.reduce((rest, value) => rest.replaceAll(value, HIDDEN), text);
    return PATTERNS.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), known);
  }

  conf(values: ReadonlyMap<string, string>): string {
    const lines = [...values].map(([key, value]) => `${key}=${SHOWN.test(key) ? value : HIDDEN}`);
    return this.text(`${lines.join("\n")}\n`);
  }
}

/** The values of a conf that nobody may see. */
export function secretsOf(values: ReadonlyMap<string, string>): string[] {
  return [...values].filter(([key]) => !SHOWN.test(key)).map(([, value]) => value);
}
