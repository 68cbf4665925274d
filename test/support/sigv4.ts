import { createHash, createHmac } from "node:crypto";

/**
 * AWS's Signature Version 4 from its specification, for both sides of a test: what signs requests that nobody should
 * sign, and what verifies them as AWS does. Shares nothing with the product.
 */

/** Header names in lower case. */
export interface HttpCall {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface Signer {
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
  service?: string;
}

/** The Authorization header for a call that has its x-amz-date. */
export function authorize(call: HttpCall, signer: Signer, signed: string[]): string {
  const { accessKeyId, secretAccessKey, region, service = "sts" } = signer;
  const date = call.headers["x-amz-date"] ?? "";
  const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", date, scope, sha256(canonical(call, signed))].join("\n");
  const parts = [date.slice(0, 8), region, service, "aws4_request"];
  const key = parts.reduce<Uint8Array>(hmac, Buffer.from(`AWS4${secretAccessKey}`));
  const signature = hmac(key, text).toString("hex");
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed.join(";")}, Signature=${signature}`;
}

export interface Presented {
  accessKeyId: string;
  region: string;
  service: string;
  signedHeaders: string[];
}

/** What an Authorization header claims. */
export function readAuthorization(header: string): Presented | undefined {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=[0-9a-f]+$/.exec(
      header,
    );
  const [, accessKeyId = "", region = "", service = "", signedHeaders = ""] = match ?? [];
  return match ? { accessKeyId, region, service, signedHeaders: signedHeaders.split(";") } : undefined;
}

/** `20260102T030405Z`. */
export function amzDate(time: Date): string {
  return `${time.toISOString().replace(/[-:]/g, "").slice(0, 15)}Z`;
}

function canonical({ method, path, headers, body }: HttpCall, signed: string[]): string {
  const lines = signed.map((name) => `${name}:${(headers[name] ?? "").trim().replace(/ +/g, " ")}\n`);
  return [method, path, "", lines.join(""), signed.join(";"), sha256(body)].join("\n");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
