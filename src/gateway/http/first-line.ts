import { SallyportError } from "../../telemetry/error.ts";
import type { PulledStream } from "../../tunnel/pulled-stream.ts";
import { split } from "../../tunnel/release.ts";

/** What the first line of HTTP mode says about the target (PROTOCOL 0.2). */
export interface HttpConfig {
  /** PEM of the authorities to trust for `https`, instead of the system's. */
  authorities: string | undefined;
  /** Infisical's platform reaches self-signed clusters through this mode, so the default is false. */
  verify: boolean;
}

/** Room for a bundle of some thirty certificates; bytes, the line feed included. */
const LINE_LIMIT = 64 * 1024 + 1;
const LINE_TIMEOUT_MS = 10_000;

/**
 * Reads up to the first line feed and leaves what follows in the stream.
 * @throws SallyportError CONFIG_INVALID (over 64 KiB, or the stream ended) | TIMEOUT; why the stream broke
 */
export async function readFirstLine(source: PulledStream, timeoutMs = LINE_TIMEOUT_MS): Promise<string> {
  const deadline = performance.now() + timeoutMs;
  const held: Buffer[] = [];
  let length = 0;
  for (;;) {
    const chunk = await source.read(deadline - performance.now());
    if (!chunk) throw invalid("The stream ended before the CONFIG line.");
    const at = chunk.indexOf("\n");
    const [line, rest] = at < 0 ? [chunk] : split(chunk, at + 1);
    source.consumed(line.length);
    length += line.length;
    if (length > LINE_LIMIT) throw invalid("The CONFIG line is longer than 64 KiB.");
    held.push(line);
    if (!rest) continue;
    source.unread(rest);
    return Buffer.concat(held).toString("latin1", 0, length - 1);
  }
}

function invalid(text: string): SallyportError {
  return new SallyportError("CONFIG_INVALID", text);
}

/**
 * Reads `CONFIG ca=<base64 PEM> verify=true`. As Infisical's gateway does, it checks neither the first word nor words
 * it does not know. Of a repeated word the last one counts.
 * @throws SallyportError CONFIG_INVALID when `ca=` holds no certificate
 */
export function parseHttpConfig(line: string): HttpConfig {
  const config: HttpConfig = { authorities: undefined, verify: false };
  for (const word of line.trim().split(/[ \t]+/)) {
    if (word.startsWith("ca=")) config.authorities = readAuthorities(word.slice(3));
    if (word.startsWith("verify=")) config.verify = /^(1|t|true)$/i.test(word.slice(7));
  }
  return config;
}

function readAuthorities(base64: string): string | undefined {
  if (base64 === "") return undefined;
  const pem = Buffer.from(base64, "base64").toString("latin1");
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(base64) && pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  throw invalid("The CONFIG line's ca= is no PEM certificate in base64.");
}
