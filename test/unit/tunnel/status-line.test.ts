import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  errorLine,
  expectStatusLine,
  NoStatusLine,
  okLine,
  readStatusLine,
} from "../../../src/tunnel/status-line.ts";
import { Inbox } from "../../support/byte-stream.ts";
import { streamPair } from "../../support/stream-pair.ts";

const TIMEOUT_MS = 2000;

async function answerTo(...chunks: (string | Buffer)[]) {
  const [near, far] = streamPair();
  for (const chunk of chunks) far.write(Buffer.from(chunk));
  return { near, far, answer: await readStatusLine(near, TIMEOUT_MS) };
}

async function failureOf(...chunks: (string | Buffer)[]) {
  const { answer, near } = await answerTo(...chunks);
  if (answer.ok) throw new Error("expected a refusal");
  return { error: answer.error, near };
}

describe("reading", () => {
  test("OK leaves the stream usable, and the bytes after the line go to the next handler", async () => {
    const { answer, far } = await answerTo("OK\nfirst bytes");
    if (!answer.ok) throw answer.error;
    far.write(Buffer.from(", more"));
    await Bun.sleep(5);
    const inbox = new Inbox(answer.stream);
    far.write(Buffer.from(" and the last"));
    expect(await inbox.until(30)).toBe("first bytes, more and the last");
    const back = new Inbox(far);
    answer.stream.write(Buffer.from("reply"));
    answer.stream.end();
    expect(await back.untilEnd()).toBe("reply");
    far.end();
    expect(await inbox.closed).toBeNull();
  });

  test("a line may come byte by byte", async () => {
    const { answer } = await answerTo(..."OK\n");
    expect(answer.ok).toBe(true);
  });

  test("an end and a close right after the line are told to the next handler", async () => {
    const [near, far] = streamPair();
    const other = new Inbox(far);
    far.write(okLine());
    far.end();
    const answer = await readStatusLine(near, TIMEOUT_MS);
    if (!answer.ok) throw answer.error;
    await Bun.sleep(5);
    const inbox = new Inbox(answer.stream);
    expect(await inbox.untilEnd()).toBe("");
    answer.stream.end();
    expect(await inbox.closed).toBeNull();
    expect(await other.closed).toBeNull();
  });

  test("credit is returned for the line at once and for the rest when it is consumed", async () => {
    const [near, far] = streamPair({ window: 10 });
    far.write(Buffer.from("OK\n1234567890"));
    const answer = await readStatusLine(near, TIMEOUT_MS);
    if (!answer.ok) throw answer.error;
    expect(await new Inbox(answer.stream).until(10)).toBe("1234567890");
  });

  test("what follows may be used before the line is there", async () => {
    const [near, far] = streamPair();
    const { answer, rest } = expectStatusLine(near, TIMEOUT_MS);
    const inbox = new Inbox(rest);
    const other = new Inbox(far);
    rest.write(Buffer.from("early"));
    expect(await other.until(5)).toBe("early");
    far.write(Buffer.from("OK\nreply"));
    expect(await inbox.until(5)).toBe("reply");
    expect((await answer).ok).toBe(true);
  });

  test.each([
    ["a refusal", "ERR DRAINING not now\n"],
    ["an end without a word", ""],
  ])("who uses it before hears of %s", async (_, line) => {
    const [near, far] = streamPair();
    const { answer, rest } = expectStatusLine(near, TIMEOUT_MS);
    const inbox = new Inbox(rest);
    far.write(Buffer.from(line));
    far.end();
    const said = await answer;
    if (said.ok) throw new Error("expected a refusal");
    expect(await inbox.closed).toBe(said.error);
  });

  test("who uses it before hears of the close", async () => {
    const [near, far] = streamPair();
    const { answer, rest } = expectStatusLine(near, TIMEOUT_MS);
    const inbox = new Inbox(rest);
    far.destroy(new Error("reset"));
    expect((await answer).ok).toBe(false);
    expect(await inbox.closed).toBeInstanceOf(Error);
  });

  test("a refusal carries the peer's code and text, and the stream is destroyed", async () => {
    const { error, near } = await failureOf(errorLine("TARGET_DENIED", "The rule says no."));
    expect(error.code).toBe("TARGET_DENIED");
    expect(error.message).toBe("The rule says no.");
    expect(near.closed).toBe(true);
  });

  test("a code that we do not know is shown, not trusted", async () => {
    const { error } = await failureOf("ERR FROM_THE_FUTURE What?\n");
    expect(error.code).toBe("TLS_FAILED");
    expect(error.message).toContain("FROM_THE_FUTURE");
  });

  test("control characters in the text do not get through", async () => {
    const { error } = await failureOf("ERR DRAINING a\u001b[2Jb\rc\n");
    expect(error.message).toBe("a [2Jb c");
  });

  test("a line that is too long is refused before it ends", async () => {
    const { error } = await failureOf("x".repeat(2000));
    expect(error.code).toBe("TLS_FAILED");
  });

  test("silence times out", async () => {
    const [near] = streamPair();
    const answer = await readStatusLine(near, 20);
    expect(answer).toMatchObject({ ok: false, error: { code: "TIMEOUT" } });
    expect(near.closed).toBe(true);
  });

  test("a peer that closes without a word is told apart", async () => {
    const [near, far] = streamPair();
    far.end();
    const answer = await readStatusLine(near, TIMEOUT_MS);
    if (answer.ok) throw new Error("expected a failure");
    expect(answer.error).toBeInstanceOf(NoStatusLine);
  });

  test("an abort destroys the stream and throws its reason", async () => {
    const [near] = streamPair();
    const abort = new AbortController();
    const answer = readStatusLine(near, TIMEOUT_MS, abort.signal);
    abort.abort(new Error("enough"));
    await expect(answer).rejects.toThrow("enough");
    await answer.catch(() => expect(near.closed).toBe(true));
  });

  test("B1 whatever comes, it ends with an answer", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 5 }), async (chunks) => {
        const [near, far] = streamPair();
        for (const chunk of chunks) far.write(Buffer.from(chunk));
        far.end();
        const answer = await readStatusLine(near, TIMEOUT_MS);
        expect(answer.ok).toBe(Buffer.concat(chunks).toString("latin1").startsWith("OK\n"));
      }),
      { numRuns: 100 },
    );
  });
});

describe("writing", () => {
  test("a line is one line, however the text looks, and fits the limit", async () => {
    const line = errorLine("TARGET_REFUSED", `two\nlines ${"ä".repeat(2000)}`);
    expect(line.length).toBeLessThanOrEqual(1024);
    expect(line.indexOf("\n")).toBe(line.length - 1);
    const { error } = await failureOf(line);
    expect(error.code).toBe("TARGET_REFUSED");
    expect(error.message).toStartWith("two lines ääää");
  });
});
