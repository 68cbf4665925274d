import type { Duplex } from "node:stream";
import { SallyportError } from "../../telemetry/error.ts";

/** What the first line of HTTP mode says about the target (PROTOCOL 0.2). */
export interface HttpConfig {
  /** PEM of the authorities to trust for `https`, instead of the system's. */
  authorities: string | undefined;
  /** Infisical's platform reaches self-signed clusters through this mode, so the default is false. */
  verify: boolean;
}

/** Room for a bundle of some thirty certificates. */
const LINE_LIMIT = 64 * 1024;
const LINE_TIMEOUT_MS = 10_000;

/**
 * Reads up to the first line feed and leaves what follows in the stream.
 * @throws SallyportError CONFIG_INVALID (over 64 KiB, or the stream ended) | TIMEOUT
 */
export function readFirstLine(source: Duplex, timeoutMs = LINE_TIMEOUT_MS): Promise<string> {
  return new Promise((resolve, reject) => {
    const held: Buffer[] = [];
    let length = 0;
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      source.off("readable", onReadable).off("end", onEnd).off("close", onEnd);
      finish();
    };
    const fail = (code: "CONFIG_INVALID" | "TIMEOUT", text: string) =>
      settle(() => reject(new SallyportError(code, text)));
    const onEnd = () => fail("CONFIG_INVALID", "The stream ended before the CONFIG line.");
    const onReadable = () => {
      for (let chunk = source.read(); chunk instanceof Buffer; chunk = source.read()) {
        const at = chunk.indexOf("\n");
        held.push(at < 0 ? chunk : chunk.subarray(0, at));
        length += held[held.length - 1]?.length ?? 0;
        if (length > LINE_LIMIT) return fail("CONFIG_INVALID", "The CONFIG line is longer than 64 KiB.");
        if (at < 0) continue;
        if (at + 1 < chunk.length) source.unshift(chunk.subarray(at + 1));
        return settle(() => resolve(Buffer.concat(held).toString("latin1")));
      }
    };
    const timer = setTimeout(() => fail("TIMEOUT", "No CONFIG line came within 10 s."), timeoutMs);
    source.on("readable", onReadable).on("end", onEnd).on("close", onEnd);
    onReadable();
  });
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
  throw new SallyportError("CONFIG_INVALID", "The CONFIG line's ca= is no PEM certificate in base64.");
}
