import { createPrivateKey } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { utils } from "ssh2";

/** A private key as it lies in a file, and the number in it that makes it private. */
export interface PrivateKey {
  file: string;
  /** Base64 without line breaks. */
  text: string;
  /** Scalar or seed. */
  secret: Buffer;
}

const PRIVATE_PEM = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----([^-]+)-----END \1-----/g;

/** Every private key in any file below a directory; in JSON too, where line breaks are written as `\n`. */
export async function privateKeysBelow(directory: string): Promise<PrivateKey[]> {
  const files = await filesBelow(directory);
  return files.flatMap(({ path, content }) =>
    [...plainText(content).matchAll(PRIVATE_PEM)].map(([pem, , body = ""]) => ({
      file: path,
      text: body.replace(/\s/g, ""),
      secret: secretOf(pem),
    })),
  );
}

/** The files below a directory in which a key stands: as PEM, raw, in hexadecimal, or inside another encoding's DER. */
export async function filesWithKey(directory: string, key: PrivateKey): Promise<string[]> {
  const files = await filesBelow(directory);
  return files.filter(({ content }) => holds(content, key)).map(({ path }) => path);
}

function holds(content: Buffer, { text, secret }: PrivateKey): boolean {
  const plain = plainText(content);
  const decoded = [...plain.matchAll(/[A-Za-z0-9+/\s]{32,}={0,2}/g)].map(([base64]) =>
    Buffer.from(base64, "base64"),
  );
  return (
    plain.replace(/\s/g, "").includes(text) ||
    plain.toLowerCase().includes(secret.toString("hex")) ||
    [content, ...decoded].some((bytes) => bytes.includes(secret))
  );
}

function plainText(content: Buffer): string {
  return content.toString("latin1").replaceAll("\\n", "\n");
}

function secretOf(pem: string): Buffer {
  const parsed = pem.includes("OPENSSH") ? utils.parseKey(pem) : undefined;
  if (parsed instanceof Error) throw parsed;
  const { d } = createPrivateKey(parsed ? parsed.getPrivatePEM() : pem).export({ format: "jwk" });
  if (d === undefined) throw new Error("a private key without a private number");
  return Buffer.from(d, "base64url");
}

async function filesBelow(directory: string): Promise<{ path: string; content: Buffer }[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  return Promise.all(paths.map(async (path) => ({ path, content: await readFile(path) })));
}
