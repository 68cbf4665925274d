import { type Field, membersOf, valuesOf } from "./field.ts";
import { type Framing, framingFields, isEmpty, requestFraming } from "./framing.ts";
import { badRequest, formatRequestHead, type RequestHead } from "./head.ts";
import { endToEnd, upgradeOf } from "./hops.ts";

/** A request that was found good, and what its head says about the connection. */
export interface Request extends RequestHead {
  framing: Framing;
  /** The protocols it offers to change to. */
  upgrade: string | undefined;
  /** The client sends its body only when it is told to go on, or after some time. */
  expectsContinue: boolean;
  /** Another request may follow on the connection. */
  keepAlive: boolean;
}

/** How a request looks to its target. */
export interface Rewrite {
  /** As the target expects it in the first line. */
  path: string;
  host: string;
  /** Fields and trailers that do not pass on, in lower case. */
  dropped: readonly string[];
  added: readonly Field[];
}

/** @throws SallyportError REQUEST_INVALID */
export function judgeRequest(head: RequestHead): Request {
  const { minor, fields } = head;
  const hosts = valuesOf(fields, "host");
  if (hosts.length > 1) throw badRequest("it has more than one Host");
  if (hosts.length === 0 && minor === 1) throw badRequest("it has no Host");
  const framing = requestFraming(head);
  return {
    ...head,
    framing,
    upgrade: upgradeOf(fields, minor),
    expectsContinue: minor === 1 && !isEmpty(framing) && membersOf(fields, "expect").includes("100-continue"),
    keepAlive: minor === 1 && !membersOf(fields, "connection").includes("close"),
  };
}

/** The head as the target gets it: names, order and repetition of what passes on stay as they came. */
export function requestFor(request: Request, { path, host, dropped, added }: Rewrite): Buffer {
  const { method, fields, framing, upgrade } = request;
  const own: Field[] = [...added, ...framingFields(framing)];
  const hop: string[] = [];
  if (upgrade !== undefined) {
    hop.push("Upgrade");
    own.push({ name: "Upgrade", value: upgrade });
  }
  if (membersOf(fields, "te").includes("trailers")) {
    hop.push("TE");
    own.push({ name: "TE", value: "trailers" });
  }
  own.push({ name: "Connection", value: hop.length > 0 ? hop.join(", ") : "keep-alive" });
  const passed = endToEnd(fields, ["host", ...dropped]);
  return formatRequestHead({
    method,
    target: path,
    fields: [{ name: "Host", value: host }, ...passed, ...own],
  });
}

/** Whether the request may be sent again after a kept connection turned out to be closed (RFC 9110, 9.2.2). */
export function isRepeatable({ method, framing, upgrade }: Request): boolean {
  return (method === "GET" || method === "HEAD") && isEmpty(framing) && upgrade === undefined;
}
