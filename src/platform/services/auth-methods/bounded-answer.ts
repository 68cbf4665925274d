import { parseJson } from "../../../platform-client/json.ts";

/** STS, and PROTOCOL G for TokenReview. */
const ANSWER_LIMIT = 64 * 1024;

/** The JSON of a stranger's answer; undefined when it is none or larger than 64 KiB. @throws what reading throws */
export async function readAnswer(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > ANSWER_LIMIT) return undefined;
    chunks.push(chunk);
  }
  return parseJson(Buffer.concat(chunks).toString("utf8"));
}
