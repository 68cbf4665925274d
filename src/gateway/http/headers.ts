import type { IncomingMessage } from "node:http";

/** Flat list as `node:http` has it: name, value, name, value ... */
export type RawHeaders = readonly string[];

/** Meant for one hop only (RFC 9110, 7.6.1), besides those that `Connection` names. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Which Infisical action a request asks for; never forwarded (PROTOCOL 0.2). */
export const ACTION_HEADER = "x-infisical-action";

/** The headers that pass on, without those of one hop and without `dropped` (lower case). */
export function endToEnd(headers: RawHeaders, dropped: readonly string[] = []): string[] {
  const named = pairs(headers)
    .filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) =>
      value
        .toLowerCase()
        .split(",")
        .map((word) => word.trim()),
    );
  return pairs(headers)
    .filter(([name]) => {
      const lower = name.toLowerCase();
      return !HOP_BY_HOP.has(lower) && !named.includes(lower) && !dropped.includes(lower);
    })
    .flat();
}

/**
 * Why a request is not forwarded, or undefined. `node:http` has refused malformed ones already; this is about shapes
 * that two parsers could read differently (request smuggling), and about targets other than the session's own.
 */
export function refusal(request: IncomingMessage): string | undefined {
  const values = (name: string) =>
    pairs(request.rawHeaders)
      .filter(([header]) => header.toLowerCase() === name)
      .map(([, value]) => value);
  const url = request.url ?? "";
  if (!url.startsWith("/") && !(url === "*" && request.method === "OPTIONS")) {
    return "the request target must be a path: the host is fixed by the certificate";
  }
  if (values("host").length > 1) return "more than one Host";
  if (values("content-length").length > 1) return "more than one Content-Length";
  const encodings = values("transfer-encoding");
  if (encodings.length === 0) return undefined;
  if (values("content-length").length > 0) return "both Content-Length and Transfer-Encoding";
  if (request.httpVersion !== "1.1") return "Transfer-Encoding outside HTTP/1.1";
  const [encoding, ...more] = encodings;
  return more.length === 0 && encoding?.toLowerCase() === "chunked"
    ? undefined
    : "an unknown Transfer-Encoding";
}

/** True when a request's head announces a body. */
export function hasBody(request: IncomingMessage): boolean {
  return "content-length" in request.headers || "transfer-encoding" in request.headers;
}

function pairs(headers: RawHeaders): [string, string][] {
  const list: [string, string][] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) list.push([headers[at] ?? "", headers[at + 1] ?? ""]);
  return list;
}
