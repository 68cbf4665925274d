import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { deployCommands } from "../../../src/commands/agent/deployment.ts";
import { dispatch } from "../../../src/commands/dispatch.ts";
import { root } from "../../../src/commands/root.ts";
import { selfName } from "../../../src/host/self.ts";
import { shellWord } from "../../../src/host/shell-word.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { runProcess, runProduct } from "../../support/processes.ts";
import { StubPlatform } from "../../support/stub-platform.ts";
import { testPki } from "../../support/test-pki.ts";
import { Workspace } from "../../support/workspace.ts";

let platform: StubPlatform;
let space: Workspace;

beforeAll(async () => {
  platform = new StubPlatform(await testPki());
});
afterAll(() => platform.close());
beforeEach(async () => {
  space = await Workspace.open("gateway-commands");
});
afterEach(() => space.close());

function gateway(args: string[], o: { input?: string; env?: Record<string, string> } = {}) {
  return runProduct(["gateway", ...args], { home: space.path, ...o });
}

/** How `sallyport gateway <args>` fails, in this process. */
async function refusalOf(args: string[]): Promise<Error> {
  const ours = {
    HOME: space.path,
    XDG_CONFIG_HOME: space.join("config"),
    SALLYPORT_CONF_DIR: space.join("conf"),
  };
  const before = Object.keys(ours).map((key) => [key, process.env[key]] as const);
  Object.assign(process.env, ours);
  try {
    await dispatch(root, ["gateway", ...args]);
  } catch (error) {
    if (error instanceof Error) return error;
  } finally {
    for (const [key, value] of before) {
      if (value === undefined) delete process.env[key];
      else process.env[key] = value;
    }
  }
  throw new Error("it was accepted");
}

describe("gateway commands", () => {
  test("B6 a token from stdin enrols, prints the next command, and shows up nowhere", async () => {
    const token = platform.mint();
    const args = ["enroll", "edge", "--token-file", "-", "--domain", platform.url];
    const { exitCode, stdout, stderr } = await gateway(args, { input: `${token}\n` });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${selfName()} gateway start edge\n` });
    expect(stderr).toContain(space.join("conf/gateways/edge.conf"));
    expect(stdout + stderr).not.toContain(token);
    expect(stdout + stderr).not.toContain(platform.accessToken ?? "?");
    const again = await gateway(["enroll", "edge", "--token", token, "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({ name: "edge", outcome: "unchanged" });
  });

  test("B6 a spent token is refused with exit code 3, the next command, and without showing it", async () => {
    const { exitCode, stdout, stderr } = await gateway([
      ...["enroll", "edge", "--token=gwe_spent", `--domain=${platform.url}`],
    ]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain("sallyport gateway deploy-command edge");
    expect(stdout + stderr).not.toContain("gwe_spent");
  });

  const url = "http://127.0.0.1:9";
  const wrong: [string, string[], RegExp][] = [
    ["no name", ["start"], /Name the gateway/],
    ["no conf and no token", ["start", "edge"], /gateway enroll edge --token-file -/],
    ["B4 a path as name", ["start", "../edge"], /is no gateway name/],
    ["B4 a command as name", ["enroll", "$(x)"], /is no gateway name/],
    ["two names", ["start", "edge", "--name", "other"], /two different names/],
    ["a second argument", ["start", "edge", "other"], /Unexpected argument/],
    ["an unknown flag", ["start", "edge", "--tokn", "x"], /Unknown flag --tokn/],
    ["a flag without its value", ["start", "edge", "--token"], /--token needs a value/],
    ["an empty token", ["start", "edge", "--token="], /--token needs a value/],
    ["token and token file", ["start", "edge", "--token=gwe_x", "--token-file=y"], /not both/],
    [
      "a token file that is missing",
      ["start", "edge", "--token-file=/nowhere/x"],
      /There is no file \/nowhere\/x/,
    ],
    ["B6 a machine identity's token without a platform", ["start", "edge", "--token=eyJhbGciOi"], /--domain/],
    ["enrol as a machine identity", ["enroll", "edge", "--token=eyJhbGciOi"], /needs no enrollment/],
    ["a token and a client id", ["start", "edge", "--token=gwe_x", "--client-id=x"], /not both/],
    [
      "a client id without a secret",
      ["start", "edge", `--domain=${url}`, "--client-id=x"],
      /--client-secret-file/,
    ],
    [
      "a secret twice",
      ["start", "edge", "--client-secret=x", "--client-secret-file=y"],
      /--client-secret or --client-secret-file, not both/,
    ],
    ["no domain", ["start", "edge", "--token=gwe_x"], /--domain https:\/\//],
    [
      "a domain that is none",
      ["start", "edge", "--token=gwe_x", "--domain=x"],
      /The domain has to look like/,
    ],
    ["plain http", ["start", "edge", "--token=gwe_x", "--domain=http://192.0.2.1"], /--insecure-http/],
    [
      "AWS",
      ["start", "edge", "--enroll-method=aws", "--gateway-id=x", `--domain=${url}`],
      /needs the id of the gateway: add --gateway-id/,
    ],
    [
      "another method",
      ["start", "edge", "--enroll-method=magic", `--domain=${url}`],
      /no enroll method "magic"/,
    ],
    [
      "machine identity login without anything to log in with",
      ["start", "edge", `--domain=${url}`, "--auth-method=universal-auth"],
      /logs in with --client-id and --client-secret-file/,
    ],
    [
      "another machine identity login",
      ["start", "edge", "--auth-method=kubernetes"],
      /"kubernetes" is not supported/,
    ],
    ["direct listening", ["start", "edge", "--listen-address=a:8443"], /--listen-address is not supported/],
    ["B4 a relay name", ["start", "edge", "--relay=a_b"], /is no relay name/],
    ["B4 a relay name in the oldest spelling", ["start", "edge", "--proxy-name", "../r"], /is no relay name/],
    ["five relays", ["start", "edge", "--relay=a,b,c", "--target-relay-name=d,e"], /at most 4/],
    [
      "a bad allow rule",
      ["start", "edge", "--token=gwe_x", `--domain=${url}`, "--allow=10.0.0.0/99"],
      /10\.0\.0\.0\/99/,
    ],
    ["a bad deny rule", ["enroll", "edge", "--token=gwe_x", `--domain=${url}`, "--deny=a:b"], /a:b/],
    [
      "a CA file that is missing",
      ["enroll", "edge", "--token=gwe_x", "--domain=https://127.0.0.1:9", "--ca-file=/nowhere/ca"],
      /\/nowhere\/ca/,
    ],
    ["an unknown log format", ["start", "edge", "--log-format=xml"], /log-format/],
    ["a PKI directory that is missing", ["start", "--pki=/nowhere"], /\/nowhere/],
    [
      "a PKI directory and a platform",
      ["start", "--pki=/nowhere", `--domain=${url}`],
      /With --pki there is no platform/,
    ],
    ["enrol without a token", ["enroll", "edge", `--domain=${url}`], /There is no enrollment token/],
    ["create without a name", ["create"], /needs <gateway>, for example: /],
    ["B4 create a bad name", ["create", "A b"], /is no gateway name/],
    ["deploy-command for a bad relay", ["deploy-command", "edge", "--relay", "$(x)"], /is no relay name/],
  ];
  test.each(wrong)(
    "wrong input is refused with exit code 2 and one sentence: %s",
    async (what, args, sentence) => {
      const error = await refusalOf(args);
      expect(error.message).toMatch(sentence);
      expect(error.message).not.toContain("\n");
      const exitCode = error instanceof SallyportError ? error.exitCode : 2;
      expect(exitCode).toBe(what === "a PKI directory that is missing" ? 1 : 2);
      expect(existsSync(space.join("conf/gateways/edge.conf"))).toBe(false);
    },
  );

  test("wrong input and missing conf as the binary shows them", async () => {
    for (const args of [
      ["start", "edge", "--tokn", "x"],
      ["start", "edge"],
    ]) {
      const { exitCode, stdout, stderr } = await gateway(args);
      expect(exitCode).toBe(2);
      expect(stdout).toBe("");
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
  });

  test("a platform that can't be reached ends with exit code 4, nobody logged in with 3", async () => {
    const { exitCode } = await gateway(["enroll", "edge", "--token=gwe_x", `--domain=${url}`]);
    expect(exitCode).toBe(4);
    expect((await gateway(["list"])).exitCode).toBe(3);
  });

  test("the deploy command has Infisical's words and survives a shell", async () => {
    const domain = "https://example.com:8443";
    const edge = { role: "gateway" as const, id: "an-id", name: "edge" };
    const token = "--enroll-method=token --token=gwe_abc-_1 --relay=r1,r2 --domain=https://example.com:8443";
    expect(
      deployCommands(domain, { ...edge, method: "token", more: ["--relay=r1,r2"] }, "gwe_abc-_1"),
    ).toEqual({
      command: `sallyport gateway start edge ${token}`,
      serviceCommand: `sudo sallyport gateway systemd install edge ${token}`,
    });
    const aws = "--enroll-method=aws --relay-id=an-id --domain=https://example.com:8443";
    expect(deployCommands(domain, { ...edge, role: "relay", method: "aws" })).toEqual({
      command: `sallyport relay start --name=edge ${aws}`,
      serviceCommand: `sudo sallyport relay systemd install edge ${aws}`,
    });
    const odd = "a b'$(id)`id`;\"&|\\";
    const { stdout } = await runProcess(["sh", "-c", `printf %s ${shellWord(odd)}`]);
    expect(stdout).toBe(odd);
  });
});
