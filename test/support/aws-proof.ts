import { amzDate, authorize } from "./sigv4.ts";
import { type AwsKey, ROLE_KEY } from "./sts.ts";

export interface ProofWish {
  key?: AwsKey;
  region?: string;
  service?: string;
  at?: Date;
  method?: string;
  host?: string;
  path?: string;
  body?: string;
  /** Signed besides the usual ones, names in lower case. */
  headers?: Record<string, string>;
  /** Usual headers that are not signed. */
  without?: string[];
}

export const PROOF_BODY = "Action=GetCallerIdentity&Version=2011-06-15";

/** A login as Infisical's CLI signs it (PROTOCOL G), changed as wished; the signature always fits what is sent. */
export function signProof(wish: ProofWish = {}) {
  const { key = ROLE_KEY, region = "eu-west-1", at = new Date(), body = PROOF_BODY, method = "POST" } = wish;
  const headers: Record<string, string> = {
    "content-length": String(Buffer.byteLength(body)),
    "content-type": "application/x-www-form-urlencoded; charset=utf-8",
    host: wish.host ?? `sts.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`,
    "x-amz-date": amzDate(at),
    ...(key.sessionToken === undefined ? {} : { "x-amz-security-token": key.sessionToken }),
    ...wish.headers,
  };
  const signed = Object.keys(headers)
    .filter((name) => !wish.without?.includes(name))
    .sort((one, other) => (one < other ? -1 : 1));
  const call = { method, path: wish.path ?? "/", headers, body };
  const service = wish.service ?? "sts";
  const authorization = authorize(call, { ...key, region, service }, signed);
  const { "content-length": _length, host = "", "x-amz-date": date = "", ...rest } = headers;
  return encodeProof(method, body, { ...rest, Host: host, "X-Amz-Date": date, Authorization: authorization });
}

export function encodeProof(method: string, body: string, headers: unknown) {
  return {
    method: "aws",
    iamHttpRequestMethod: method,
    iamRequestBody: Buffer.from(body).toString("base64"),
    iamRequestHeaders: Buffer.from(JSON.stringify(headers)).toString("base64"),
  };
}

/** The headers inside a proof. */
export function proofHeaders(proof: { iamRequestHeaders: string }): Record<string, string> {
  return JSON.parse(Buffer.from(proof.iamRequestHeaders, "base64").toString("utf8"));
}
