import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { runProduct } from "../../support/processes.ts";
import { Workspace } from "../../support/workspace.ts";

let space: Workspace;
let asked: number;
let domain: string;

beforeEach(async () => {
  space = await Workspace.open("install-commands");
  asked = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => {
      asked++;
      return Response.json({}, { status: 500 });
    },
  });
  space.defer(() => server.stop(true));
  domain = `http://127.0.0.1:${server.port}`;
});
afterEach(() => space.close());

/** What is new in the home, but for the cache of a Bun that runs from source. */
const written = async () => (await readdir(space.path)).filter((name) => name !== ".bun");

const sallyport = (args: string[]) => runProduct(args, { home: space.path });

describe("install and uninstall", () => {
  const spellings = [
    ["gateway", "install", "edge", "--systemd", "--dry-run", "--relay=r1", "--allow=10.0.0.0/8"],
    ["gateway", "systemd", "install", "edge", "--dry-run", "--enroll-method=token", "--target-relay-name=r1"],
    ["relay", "install", "edge", "--dry-run", "--limit=channels=5", "--log-format=json"],
    ["relay", "systemd", "install", "edge", "--dry-run", "--type=instance", "--host=relay.example"],
  ];
  test.each(spellings)(
    "%s %s: a dry run prints the unit, asks nobody and writes nothing",
    async (...args) => {
      const given = [`--domain=${domain}`, "--token=gwe_secret"];
      const { exitCode, stdout, stderr } = await sallyport([...args, ...given]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      const [role = ""] = args;
      expect(stdout).toMatch(new RegExp(`^ExecStart=\\S+/sallyport ${role} start edge`, "m"));
      expect(stdout).toContain(`LoadCredential=${role}.conf:`);
      expect(stdout).not.toContain("gwe_secret");
      expect(asked).toBe(0);
      expect(await written()).toEqual([]);
    },
  );

  test("what the conf does not keep goes on to the daemon, what it keeps does not", async () => {
    const { stdout } = await sallyport([
      ...["relay", "install", "edge", "--dry-run", "--limit=channels=5", "--limit", "drain-ms=60000"],
      ...["--log-level", "debug", "--exempt=10.0.0.0/8"],
    ]);
    expect(stdout).toMatch(/ start edge --limit=channels=5 --limit=drain-ms=60000 --log-level=debug$/m);
    expect(stdout).toContain("TimeoutStopSec=75s");
  });

  const wrong: [string, string[], RegExp][] = [
    ["no name", ["gateway", "install", "--dry-run"], /Name the gateway/],
    ["B4 a path", ["gateway", "install", "../ssh", "--dry-run"], /is no gateway name/],
    ["B4 a specifier", ["relay", "install", "%n", "--dry-run"], /is no relay name/],
    ["B4 a name to remove", ["relay", "uninstall", "../../etc"], /is no relay name/],
    ["an unknown flag", ["gateway", "install", "edge", "--stdio", "--dry-run"], /Unknown flag --stdio/],
    [
      "a directory",
      ["gateway", "install", "edge", "--pki", "d", "--dry-run"],
      /run "sallyport gateway start --pki d"/,
    ],
    [
      "a relay's",
      ["relay", "install", "edge", "--pki=d"],
      /run "sallyport relay start --pki d" under a service/,
    ],
    [
      "a metrics port that is none",
      ["gateway", "install", "edge", "--metrics=99999", "--dry-run"],
      /--metrics/,
    ],
    ["a relay's", ["relay", "install", "edge", "--metrics=x", "--dry-run"], /--metrics takes a port/],
    [
      "a rule that is none",
      ["gateway", "install", "edge", "--allow=10.0.0.0/33", "--dry-run"],
      /no target rule/,
    ],
    [
      "a range that is none",
      ["relay", "install", "edge", "--exempt=10.0.0.0/40", "--dry-run"],
      /no address range/,
    ],
    [
      "an address that is none",
      ["relay", "install", "edge", "--listen=eth0", "--dry-run"],
      /--listen is "eth0"/,
    ],
    ["a limit that is none", ["relay", "install", "edge", "--limit=x=1", "--dry-run"], /x/],
  ];
  test.each(wrong)("wrong input ends with exit code 2: %s", async (_what, args, sentence) => {
    const { exitCode, stdout, stderr } = await sallyport(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(sentence);
  });

  test("a checkout is never installed, and its token is not spent", async () => {
    const { exitCode, stderr } = await sallyport([
      ...["gateway", "install", "edge", `--domain=${domain}`, "--token=gwe_x"],
    ]);
    expect([2, 3]).toContain(exitCode);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(asked).toBe(0);
    expect(await written()).toEqual([]);
  });
});
