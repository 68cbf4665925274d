import { readFile } from "node:fs/promises";
import { mustRun } from "./processes.ts";
import type { Workspace } from "./workspace.ts";

/** Made out to this machine, signed by itself, as files and as texts. */
export interface ServerCertificate {
  certFile: string;
  keyFile: string;
  cert: string;
  key: string;
}

/** `name` is its common name and that of its files. */
export async function makeServerCertificate(workspace: Workspace, name: string): Promise<ServerCertificate> {
  const [certFile, keyFile] = [workspace.join(`${name}.crt`), workspace.join(`${name}.key`)];
  await mustRun([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-keyout", keyFile, "-out", certFile, "-days", "2", "-subj", `/CN=${name}`],
    ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
  ]);
  const [cert, key] = await Promise.all([readFile(certFile, "utf8"), readFile(keyFile, "utf8")]);
  return { certFile, keyFile, cert, key };
}
