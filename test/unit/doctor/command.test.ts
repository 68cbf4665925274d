import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { z } from "zod";
import { makeOfflineCa } from "../../support/offline-ca.ts";
import { freePort } from "../../support/ports.ts";
import { runProduct } from "../../support/processes.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
let directories: { client: string; gateway: string; relay: string };
beforeAll(async () => {
  workspace = await Workspace.open("doctor-command");
  const ca = await makeOfflineCa(workspace, "acme");
  await ca.relay("relay-a", { sshPort: freePort(), tlsPort: freePort() });
  await ca.gateway("gateway-a");
  await ca.client();
  const at = (name: string) => workspace.join("acme", name);
  directories = { client: at("client"), gateway: at("gateway-a"), relay: at("relay-a") };
});
afterAll(() => workspace.close());

const doctor = (...args: string[]) => runProduct(["doctor", ...args], { home: workspace.path });

const document = z.strictObject({
  place: z.enum(["gateway", "relay", "client"]),
  subject: z.string(),
  version: z.string(),
  time: z.iso.datetime(),
  verdict: z.enum(["ok", "warning", "failed"]),
  cause: z.strictObject({
    step: z.string(),
    about: z.string().nullable(),
    code: z.string(),
    text: z.string(),
    fix: z.string(),
  }),
  steps: z.array(z.looseObject({ id: z.string(), verdict: z.string() })),
});

describe("doctor --pki finds out whose directory it is", () => {
  test.each([
    ["client", "relay-tcp", "RELAY_UNREACHABLE"],
    ["gateway", "relay-tcp", "RELAY_UNREACHABLE"],
    ["relay", "daemon", "DAEMON_NOT_RUNNING"],
  ] as const)("%s: JSON alone on stdout, the cause's exit code", async (place, step, code) => {
    const { exitCode, stdout, stderr } = await doctor("--pki", directories[place], "--json");
    expect(document.parse(JSON.parse(stdout))).toMatchObject({ place, cause: { step, code } });
    expect({ exitCode, stderr }).toEqual({ exitCode: 4, stderr: "" });
  });
});

test("for people there is one line a step, and at the end the cause and what to do", async () => {
  const { stdout } = await doctor("--pki", directories.gateway);
  const lines = stdout.trimEnd().split("\n");
  expect(lines[0]).toBe("gateway-a, seen from the gateway");
  expect(
    lines.filter((line) => /^TCP to the relay \(relay-a\) +failed +\d+ ms +No TCP/.test(line)),
  ).toHaveLength(1);
  expect(
    lines.filter((line) => /^SSH banner \(relay-a\) +skipped +explained by "TCP/.test(line)),
  ).toHaveLength(1);
  expect(lines.at(-2)).toMatch(
    /^Cause: No TCP connection to .* \[RELAY_UNREACHABLE, step relay-tcp relay-a\]$/,
  );
  expect(lines.at(-1)).toMatch(/^Fix: {3}Open the way/);
});

test("the archive is written beside the JSON, which stays alone on stdout", async () => {
  const path = workspace.join("bundle.tgz");
  const { stdout } = await doctor("--pki", directories.gateway, "--json", "--bundle", path);
  expect(document.parse(JSON.parse(stdout)).verdict).toBe("failed");
  expect(await Bun.file(path).exists()).toBe(true);
});

test.each([
  ["nothing", []],
  ["two ways at once", ["--pki", "x", "--relay", "y"]],
  ["a target of nobody", ["--relay", "y", "--target", "h:1"]],
])("%s to look at is refused", async (_, args) => {
  const { exitCode, stderr } = await doctor(...args);
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining("[USAGE]") });
});

test("a gateway that is not enrolled here is said to be so", async () => {
  const { exitCode, stderr } = await doctor("--gateway", "elsewhere");
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining("not enrolled") });
});

test.each([
  ["gateway", ["--gateway", "elsewhere"], "CONFIG_INVALID"],
  ["relay", ["--relay", "../x"], "NAME_INVALID"],
  ["client", ["--pki", "nowhere"], "NOT_FOUND"],
  ["client", [], "USAGE"],
])("--json is one document also when there is nothing to look at: %s %p", async (place, args, code) => {
  const { exitCode, stdout, stderr } = await doctor(...args, "--json");
  expect(document.parse(JSON.parse(stdout))).toMatchObject({
    place,
    verdict: "failed",
    cause: { step: "configuration", code },
  });
  expect(stderr).toEndWith(`[${code}]\n`);
  expect(exitCode).toBe(code === "NOT_FOUND" ? 1 : 2);
});
