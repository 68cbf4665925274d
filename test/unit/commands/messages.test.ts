import { describe, expect, test } from "bun:test";
import { isLoopback, parseLocalPort } from "../../../src/commands/local-port.ts";
import { sentence, withList } from "../../../src/commands/sentence.ts";
import { unreachableError } from "../../../src/platform-client/refusal.ts";
import { describe as words } from "../../../src/telemetry/error.ts";
import { productCommand, runProcess, runProduct } from "../../support/processes.ts";
import { Workspace } from "../../support/workspace.ts";

test.each([
  ["5432", "127.0.0.1", 5432],
  ["[::1]:0", "::1", 0],
  ["0.0.0.0:80", "0.0.0.0", 80],
])("a local port may be given as %s", (text, host, port) => {
  expect(parseLocalPort(text, "--listen")).toEqual({ host, port });
});

test("what is no port says so with what was given", () => {
  expect(() => parseLocalPort("99999", "--listen")).toThrow(
    /--listen must look like host:port.*"127.0.0.1:99999"/,
  );
  expect([isLoopback("127.9.9.9"), isLoopback("::1"), isLoopback("0.0.0.0"), isLoopback("::")]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test("what the platform does not have comes with the command that lists it", () => {
  expect(withList("https://a refuses: There is no such resource.")).toBe(
    'https://a refuses: There is no such resource: see "sallyport resource list".',
  );
  expect(withList("There is no such thing.")).toBe("There is no such thing.");
});

test.each([
  ["Choose another one", "Choose another one."],
  ['See "sallyport gateway list"', 'See "sallyport gateway list".'],
  ["Is it right?", "Is it right?"],
  [
    "Run: sallyport gateway start office --allow 10.0.0.1:80",
    "Run: sallyport gateway start office --allow 10.0.0.1:80",
  ],
])("%s gets a full stop where it is no command", (message, expected) => {
  expect(sentence(message)).toBe(expected);
});

describe("a system's error is said in words", () => {
  test.each([
    ["ENOSPC: no space left on device, write", "no space left on device (ENOSPC)"],
    ["EACCES: permission denied, open '/x, y'", "permission denied (EACCES)"],
    [
      "ECONNREFUSED: Unable to connect. Is the computer able to access the url?",
      "no connection (ECONNREFUSED)",
    ],
    [
      'ERR_TLS_CERT_ALTNAME_INVALID fetching "https://x/". For more information, pass `verbose: true` in the second argument to fetch()',
      "its certificate is for another name (ERR_TLS_CERT_ALTNAME_INVALID)",
    ],
    [
      "ECONNRESET: The socket connection was closed unexpectedly. For more information, pass `verbose: true` in the second argument to fetch()",
      "ECONNRESET: The socket connection was closed unexpectedly.",
    ],
    ["something else, altogether", "something else, altogether"],
  ])("%s", (text, expected) => expect(words(new Error(text))).toBe(expected));

  test.each([
    ["ECONNREFUSED", "nothing listens there"],
    ["ENOTFOUND", "can't be resolved"],
    ["EPROTO", "speaks no TLS"],
    ["ESTRANGE", "what it said."],
  ])("%s of a platform", async (code, expected) => {
    const cause = Object.assign(new Error("what it said"), { code });
    const error = await unreachableError("https://sallyport.example", cause);
    expect(error).toMatchObject({ code: "PLATFORM_UNREACHABLE", message: expect.stringContaining(expected) });
  });
});

describe("the output", () => {
  test("that can't be written is exit code 1 and one sentence", async () => {
    const [program = "", ...args] = productCommand(["version"]);
    const { exitCode, stderr } = await runProcess([
      "sh",
      "-c",
      'exec "$0" "$@" >/dev/full',
      program,
      ...args,
    ]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr:
        "sallyport: The output could not be written: no space left on device (ENOSPC). [FILE_UNWRITABLE]\n",
    });
  });

  test("whose reader has left is no failure", async () => {
    const [program = "", ...args] = productCommand(["role", "--help"]);
    const { exitCode, stderr } = await runProcess([
      "bash",
      "-c",
      'set -o pipefail; "$0" "$@" | true',
      program,
      ...args,
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  });
});

test.each([
  [
    ["a", "--gateway", "b"],
    'Say what to reach in one way: a resource\'s name, --gateway with --target, or --pki; "sallyport resource list" shows your resources.',
  ],
  [
    ["a", "--stdio", "--listen", "1"],
    "--stdio uses this process's own input and output: give it without --listen and --json.",
  ],
  [["a", "--mode", "http"], "--mode goes with --gateway or --pki: a resource has a mode of its own."],
])("connect: what says two things is one sentence that says which to give: %p", async (words, sentence) => {
  const space = await Workspace.open("messages");
  const { exitCode, stderr } = await runProduct(["connect", ...words], { home: space.path });
  await space.close();
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: `sallyport: ${sentence} [USAGE]\n` });
});
