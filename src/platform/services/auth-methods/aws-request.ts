import { z } from "zod";
import { parseJson } from "../../../platform-client/json.ts";
import { type AwsRegion, findAwsRegion } from "./aws-regions.ts";
import { LoginRefused } from "./refused.ts";

/** What a gateway or a relay sends to log in by AWS: a request that it signed and did not send (PROTOCOL A.1). */
export interface AwsProof {
  iamHttpRequestMethod: string;
  /** base64. */
  iamRequestBody: string;
  /** base64 of a JSON object. */
  iamRequestHeaders: string;
}

/** What of it goes to AWS. Everything else of the request is ours. */
export interface SignedCall {
  region: AwsRegion;
  authorization: string;
  /** As it was sent: it is part of what is signed. */
  date: string;
  sessionToken: string | undefined;
  /** `X-Sallyport-Server-Id` (EXTENSIONS X8). */
  audience: string | undefined;
  /** 64 hexadecimal digits. */
  signature: string;
}

/** The only call that anybody may have signed (PROTOCOL G). */
export const STS_BODY = "Action=GetCallerIdentity&Version=2011-06-15";
export const STS_CONTENT_TYPE = "application/x-www-form-urlencoded; charset=utf-8";
export const AUDIENCE_HEADER = "x-sallyport-server-id";

/** AWS accepts 15 minutes; whoever caught a request has less time to use it here. */
export const SIGNATURE_LIFE_MS = 5 * 60_000;

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=[A-Z0-9]{16,128}\/(\d{8})\/([^/,\s]{1,64})\/sts\/aws4_request, ?SignedHeaders=([a-z0-9;-]{1,300}), ?Signature=([0-9a-f]{64})$/;
const DATE = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/;
const PRINTABLE = /^[\x21-\x7e]([\x20-\x7e]{0,16382}[\x21-\x7e])?$/;

/** One string, or a list of one as Go's header type has it. */
const headers = z.record(
  z.string().max(100),
  z.union([z.string(), z.tuple([z.string()]).transform(([only]) => only)]),
);

/**
 * Takes a caller's signed request apart and keeps only what can't turn it into another one: AWS is asked by us, at a
 * host of ours, in our words (ACCEPTANCE B8, CVE-2020-16250).
 * @throws LoginRefused malformed_request, invalid_region
 */
export function readSignedCall(proof: AwsProof, now: Date): SignedCall {
  if (proof.iamHttpRequestMethod !== "POST") throw malformed("the signed request is no POST");
  if (decode(proof.iamRequestBody) !== STS_BODY) {
    throw malformed("the signed request asks for something else than GetCallerIdentity");
  }
  const given = readHeaders(proof.iamRequestHeaders);
  const [, day = "", regionName = "", signedHeaders = "", signature = ""] =
    AUTHORIZATION.exec(given.get("authorization") ?? "") ?? [];
  if (signature === "") throw malformed("its Authorization header is not a signature for AWS STS");
  const region = findAwsRegion(regionName);
  if (!region) throw refused("invalid_region", "its signature is for a region that AWS does not have");
  const date = given.get("x-amz-date") ?? "";
  requireFresh(date, day, now);
  requireOurs(given, "host", region.stsHost);
  requireOurs(given, "content-type", STS_CONTENT_TYPE);
  requireOurs(given, "content-length", String(STS_BODY.length));
  requireSignedSet(signedHeaders, given);
  return {
    region,
    authorization: given.get("authorization") ?? "",
    date,
    sessionToken: given.get("x-amz-security-token"),
    audience: given.get(AUDIENCE_HEADER),
    signature,
  };
}

/** By lower-case name. */
function readHeaders(encoded: string): Map<string, string> {
  const parsed = headers.safeParse(parseJson(decode(encoded)));
  if (!parsed.success) throw malformed("its headers are not the JSON object that is expected");
  const given = new Map<string, string>();
  for (const [key, value] of Object.entries(parsed.data)) {
    const name = key.toLowerCase();
    if (given.has(name)) throw malformed("it has a header twice");
    if (!PRINTABLE.test(value)) throw malformed("a header of it holds characters that no header has");
    given.set(name, value);
  }
  return given;
}

function decode(base64: string): string {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw malformed("it is not base64");
  return Buffer.from(base64, "base64").toString("utf8");
}

function requireFresh(date: string, day: string, now: Date): void {
  const [, ...parts] = DATE.exec(date) ?? [];
  const [year, month, dayOfMonth, hour, minute, second] = parts;
  const signedAt = Date.parse(`${year}-${month}-${dayOfMonth}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(signedAt) || !date.startsWith(day))
    throw malformed("its date is not the one it was signed for");
  if (Math.abs(now.getTime() - signedAt) > SIGNATURE_LIFE_MS) {
    throw malformed("it was signed more than 5 minutes ago, or the clock of its machine is wrong");
  }
}

/** May be left out: it goes to AWS as we have it. */
function requireOurs(given: Map<string, string>, name: string, ours: string): void {
  const value = given.get(name);
  if (value !== undefined && value.toLowerCase() !== ours)
    throw malformed(`its ${name} is not that of the call`);
}

/** Exactly the headers of PROTOCOL G, and the audience where there is one: others could change what is asked. */
function requireSignedSet(signedHeaders: string, given: Map<string, string>): void {
  const expected = [
    "content-length",
    "content-type",
    "host",
    "x-amz-date",
    ...["x-amz-security-token", AUDIENCE_HEADER].filter((name) => given.has(name)),
  ];
  if (signedHeaders !== expected.join(";"))
    throw malformed(`it does not sign exactly ${expected.join(", ")}`);
}

function malformed(why: string): LoginRefused {
  return refused("malformed_request", why);
}

function refused(reason: "malformed_request" | "invalid_region", why: string): LoginRefused {
  return new LoginRefused(reason, `The AWS login is refused: ${why}`);
}
