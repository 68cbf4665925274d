import { type Finished, mustRun, runProcess } from "./processes.ts";
import type { Workspace } from "./workspace.ts";

/** A certificate as `openssl x509 -text` shows it. */
export interface ShownCertificate {
  /** RDNs in their order in the certificate, `O=x`, values unescaped only where they need no quotes. */
  subject: string[];
  issuer: string[];
  notBefore: Date;
  notAfter: Date;
  serial: string;
  keyAlgorithm: string;
  signatureAlgorithm: string;
  /** By OpenSSL's name or by number, in order; `critical` is part of the flag, the value is on one line. */
  extensions: Map<string, { critical: boolean; value: string }>;
}

/** What OpenSSL reads in a PEM certificate. */
export async function showX509(pem: string): Promise<ShownCertificate> {
  const flags = ["-noout", "-text", "-nameopt", "sep_multiline,utf8,esc_ctrl"];
  const text = await mustRun(["openssl", "x509", ...flags], { input: pem });
  const one = (pattern: RegExp) => pattern.exec(text)?.[1]?.trim() ?? "";
  return {
    subject: names(one(/^ {8}Subject:\n((?: {12,}.*\n)+)/m)),
    issuer: names(one(/^ {8}Issuer:\n((?: {12,}.*\n)+)/m)),
    notBefore: new Date(one(/Not Before: (.*)/)),
    notAfter: new Date(one(/Not After : (.*)/)),
    serial: one(/Serial Number:\s+([0-9a-f:]+)/).replaceAll(":", ""),
    keyAlgorithm: one(/Public Key Algorithm: (.*)/),
    signatureAlgorithm: one(/Signature Algorithm: (.*)/),
    extensions: extensions(text),
  };
}

/** `openssl verify` of a leaf against nothing but the bundle. */
export async function verifyX509(
  workspace: Workspace,
  leaf: string,
  bundle: string,
  flags: string[],
): Promise<Finished> {
  const leafFile = await workspace.file("leaf.pem", leaf);
  const bundleFile = await workspace.file("bundle.pem", bundle);
  return runProcess(["openssl", "verify", ...flags, "-no-CApath", "-CAfile", bundleFile, leafFile]);
}

function names(block: string): string[] {
  return block.split("\n").map((line) => line.trim());
}

function extensions(text: string): ShownCertificate["extensions"] {
  const found: ShownCertificate["extensions"] = new Map();
  let current: { critical: boolean; value: string } | undefined;
  for (const line of (/X509v3 extensions:\n([\s\S]*?)\n {4}Signature/.exec(text)?.[1] ?? "").split("\n")) {
    const heading = /^ {12}(\S.*?): ?(critical)?\s*$/.exec(line);
    if (heading) {
      current = { critical: heading[2] !== undefined, value: "" };
      found.set(heading[1] ?? "", current);
    } else if (current) current.value = `${current.value} ${line.trim()}`.trim();
  }
  return found;
}
