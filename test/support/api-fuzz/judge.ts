import { z } from "zod";
import { isCode } from "../../../src/telemetry/codes.ts";
import { CANARY, type FuzzScene } from "./scene.ts";

export interface FuzzRequest {
  actor: string;
  method: string;
  /** With what is in it, encoded. */
  path: string;
  route: string;
  headers: Record<string, string>;
  body: Uint8Array<ArrayBuffer> | undefined;
}

const envelope = z.strictObject({
  reqId: z.string(),
  statusCode: z.int(),
  message: z.string().min(1).max(4000),
  error: z.string().min(1),
  code: z.string().refine(isCode),
});

/** Longer than any answer may take. */
const PATIENCE_MS = 10_000;

/** What is wrong with an answer; undefined = nothing. */
export function judge(
  request: FuzzRequest,
  response: Response,
  { text, milliseconds }: { text: string; milliseconds: number },
  scene: FuzzScene,
): string | undefined {
  const { status, headers } = response;
  if (status >= 500) return `a ${status}`;
  if (milliseconds > PATIENCE_MS) return `after ${milliseconds} ms`;
  const type = headers.get("content-type") ?? "none";
  if (!/^(application\/json|text\/(jsonl|html|event-stream))\b/.test(type)) return `the type ${type}`;
  if (headers.get("access-control-allow-origin") !== null) return "open to other origins";
  if (status >= 400) {
    const refusal = envelope.safeParse(parse(text)).data;
    if (!refusal || refusal.statusCode !== status) return "not in the envelope";
    if (headers.get("x-request-id") !== refusal.reqId) return "another request id in the header";
  }
  return leak(request, text, scene);
}

/** Something of the other organisation that was not in the request. */
function leak({ path, body }: FuzzRequest, text: string, { foreign }: FuzzScene): string | undefined {
  if (text.toLowerCase().includes(CANARY)) return "a name of another organisation";
  const sent = `${path} ${body ? new TextDecoder().decode(body) : ""}`;
  const ids = [...foreign.values()].flat();
  const told = ids.find((id) => text.includes(id) && !sent.includes(id));
  return told === undefined ? undefined : `the id ${told} of another organisation`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
