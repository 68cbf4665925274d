import { z } from "@hono/zod-openapi";
import { answers } from "./fields.ts";

/** Rows that a page holds when nothing is said, and at most. */
const PAGE = 100;
export const MOST_ROWS = 1000;

/** Where a list goes on: the row before, by the two columns that it is sorted by. */
export interface Place {
  time: string;
  id: string;
}

const CURSOR = /^(\d{4}-\d{2}-\d{2}T[\d:.]{8,12}Z)~([0-9a-f-]{36})$/;

const time = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text).toISOString())
  .optional();

/** What every list of what has happened can be asked for. */
export const exportQuery = z.object({ since: time, until: time });

/** The same, page by page. */
export const listingQuery = exportQuery.extend({
  limit: z.coerce.number().int().min(1).max(MOST_ROWS).default(PAGE),
  cursor: z.string().regex(CURSOR, "use `next` of the page before").optional(),
});

/** All of a list that fits, as JSON Lines. */
export function exportAnswers(description: string) {
  const content = { "text/jsonl": { schema: z.string() } };
  return { ...answers(z.object({}), description), 200: { description, content } };
}

export const JSON_LINES = { "Content-Type": "text/jsonl; charset=utf-8" };

export function placeOf(cursor: string | undefined): Place | null {
  const [, at, id] = CURSOR.exec(cursor ?? "") ?? [];
  return at === undefined || id === undefined ? null : { time: at, id };
}

export function cursorOf({ time: at, id }: Place): string {
  return `${at}~${id}`;
}

/** Page after page as JSON Lines, each read when the reader wants it. */
export function jsonLines<Row>(
  page: (after: Place | null) => Promise<{ rows: Row[]; last: Place | null }>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let after: Place | null = null;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { rows, last } = await page(after);
        if (rows.length > 0) {
          controller.enqueue(encoder.encode(rows.map((row) => `${JSON.stringify(row)}\n`).join("")));
        }
        if (last === null) controller.close();
        after = last;
      },
    },
    { highWaterMark: 0 },
  );
}
