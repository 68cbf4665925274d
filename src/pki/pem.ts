import { SallyportError } from "../telemetry/error.ts";

const LINE = 64;

/** RFC 7468 text of one object, with a final newline so that blocks can be concatenated. */
export function encodePem(label: string, der: Uint8Array | ArrayBuffer): string {
  const base64 = Buffer.from(der instanceof Uint8Array ? der : new Uint8Array(der)).toString("base64");
  const lines = base64.match(new RegExp(`.{1,${LINE}}`, "g")) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/**
 * Every block of that label, in order. Text around the blocks is ignored, as OpenSSL does. Time is linear in the
 * text, so hostile input costs no more than its size.
 * @throws SallyportError CONFIG_INVALID if a block is cut off or is not base64
 */
export function decodePem(label: string, text: string): Uint8Array<ArrayBuffer>[] {
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  for (let at = text.indexOf(begin); at >= 0; at = text.indexOf(begin, at)) {
    const stop = text.indexOf(end, at);
    if (stop < 0) throw invalid(label, "is cut off");
    blocks.push(decodeBase64(label, text.slice(at + begin.length, stop)));
    at = stop + end.length;
  }
  return blocks;
}

/** The same certificates, each once, in the order of the first. @throws SallyportError CONFIG_INVALID */
export function uniqueCertificates(bundle: string): string {
  return [...new Set(decodePem("CERTIFICATE", bundle).map((der) => encodePem("CERTIFICATE", der)))].join("");
}

function decodeBase64(label: string, body: string): Uint8Array<ArrayBuffer> {
  const base64 = body.replace(/[\r\n\t ]/g, "");
  const bytes = Buffer.from(base64, "base64");
  if (bytes.length === 0 || bytes.toString("base64") !== base64) throw invalid(label, "is not base64");
  return Uint8Array.from(bytes);
}

function invalid(label: string, what: string): SallyportError {
  return new SallyportError(
    "CONFIG_INVALID",
    `The PEM block ${label} ${what}: give the whole, unchanged file`,
  );
}
