import { SallyportError } from "../telemetry/error.ts";

const KEY = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
/** Values of these characters only mean the same with and without quotes, to every reader. */
const PLAIN = /^[A-Za-z0-9_.,:/@%+=*[\]-]*$/;
const VALUE_LIMIT = 32 * 1024;

/**
 * Reads `KEY=VALUE` lines as systemd's EnvironmentFile does (and therefore Infisical's services): empty lines, lines
 * beginning with `#` or `;` and lines without a valid key are skipped, the last of two equal keys wins, white space around
 * a value goes, values may be in single or double quotes, and a backslash outside single quotes takes the next character
 * literally (inside double quotes only before `"`, `\`, `` ` `` and `$`). One line per value: none continues on the next.
 * @throws SallyportError CONFIG_INVALID: a quote that is not closed, control characters. Never shows a value.
 */
export function parseConf(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const [index, line] of lines(text).entries()) {
    const entry = split(line);
    if (!entry) continue;
    const value = unquote(entry.raw, index + 1);
    const wrong = fault(value);
    if (wrong) throw invalid(`the value of ${entry.key} (line ${index + 1}) ${wrong}.`);
    values.set(entry.key, value);
  }
  return values;
}

/**
 * The text of these values. Lines of `previous` keep their place: comments stay, keys that are not in `values` go, new
 * ones are added at the end. `parseConf(renderConf(values))` gives `values` again.
 * @throws SallyportError CONFIG_INVALID: no valid key, or control characters (CR, LF, NUL ...) in a value
 */
export function renderConf(values: ReadonlyMap<string, string>, previous = ""): string {
  const left = new Map(values);
  const out: string[] = [];
  for (const line of lines(previous)) {
    const entry = split(line);
    if (!entry) {
      if (line.trim() === "" || isComment(line)) out.push(line);
      continue;
    }
    const value = left.get(entry.key);
    if (value !== undefined) out.push(assignment(entry.key, value));
    left.delete(entry.key);
  }
  for (const [key, value] of left) out.push(assignment(key, value));
  return out.length === 0 ? "" : `${out.join("\n")}\n`;
}

function assignment(key: string, value: string): string {
  if (!KEY.test(key)) throw invalid(`${JSON.stringify(key.slice(0, 80))} is no key of a conf file.`);
  const wrong = fault(value);
  if (wrong) throw invalid(`the value of ${key} ${wrong}.`);
  return `${key}=${PLAIN.test(value) ? value : `"${value.replace(/["\\`$]/g, "\\$&")}"`}`;
}

function lines(text: string): string[] {
  const all = text.replace(/^\uFEFF/, "").split("\n");
  if (all.at(-1) === "") all.pop();
  return all.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
}

function split(line: string): { key: string; raw: string } | undefined {
  const equals = line.indexOf("=");
  if (equals < 0 || isComment(line)) return undefined;
  const key = line.slice(0, equals).trim();
  return KEY.test(key) ? { key, raw: line.slice(equals + 1) } : undefined;
}

function isComment(line: string): boolean {
  return /^\s*[#;]/.test(line);
}

function unquote(raw: string, lineNumber: number): string {
  let value = "";
  let at = 0;
  for (;;) {
    while (isSpace(raw[at])) at++;
    const quote = raw[at];
    if (quote !== '"' && quote !== "'") return value + unquoted(raw.slice(at));
    const close = closingQuote(raw, at, quote);
    if (close < 0) throw invalid(`line ${lineNumber} opens a quote that it does not close.`);
    const inner = raw.slice(at + 1, close);
    value += quote === '"' ? inner.replace(/\\(["\\`$])/g, "$1") : inner;
    at = close + 1;
  }
}

function closingQuote(raw: string, open: number, quote: string): number {
  for (let i = open + 1; i < raw.length; i++) {
    if (raw[i] === quote) return i;
    if (raw[i] === "\\" && quote === '"') i++;
  }
  return -1;
}

/** White space at the end goes unless a backslash protects it. */
function unquoted(text: string): string {
  let value = "";
  let kept = 0;
  for (let i = 0; i < text.length; i++) {
    const escaped = text[i] === "\\" && i + 1 < text.length;
    if (escaped) i++;
    value += text[i];
    if (escaped || !isSpace(text[i])) kept = value.length;
  }
  return value.slice(0, kept);
}

function isSpace(character: string | undefined): boolean {
  return character !== undefined && /\s/.test(character);
}

function fault(value: string): string | undefined {
  if (value.length > VALUE_LIMIT) return "is longer than 32 KiB";
  if (/\p{Cc}/u.test(value)) return "holds control characters (a line break, perhaps)";
  if (!value.isWellFormed()) return "is no valid text";
  return undefined;
}

function invalid(message: string): SallyportError {
  return new SallyportError("CONFIG_INVALID", message);
}
