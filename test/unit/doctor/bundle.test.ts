import { afterAll, beforeAll, expect, test } from "bun:test";
import { stat } from "node:fs/promises";
import { writeBundle } from "../../../src/commands/doctor/bundle.ts";
import { Redactor } from "../../../src/commands/doctor/redact.ts";
import type { ViewedDaemon } from "../../../src/commands/doctor/view.ts";
import { DoctorScene } from "../../support/doctor-scene.ts";
import { mustRun } from "../../support/processes.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
beforeAll(async () => {
  workspace = await Workspace.open("bundle");
});
afterAll(() => workspace.close());

const ENROLLMENT = "gwe_0123456789abcdef0123456789abcdef";
const ACCESS = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJnYXRld2F5In0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg";
const OPAQUE = "opaque-access-token-without-any-shape";
const PROXY_PASSWORD = "hunter2-of-the-proxy";
const FROM_A_FILE = "the-token-in-a-file-of-its-own";
const PERSON = "spt_abcdefghijklmnopqrstuvwxyz";

test("O5 the archive holds versions, diagnosis, conf, status and log, and no token and no private key", async () => {
  const scene = await DoctorScene.open(workspace);
  const { privateKey } = scene.credentials.tls;
  const sshKey = scene.credentials.relays[0]?.ssh.privateKey ?? "";
  const conf = new Map([
    ["INFISICAL_GATEWAY_NAME", "gateway-a"],
    ["INFISICAL_GATEWAY_DOMAIN", "https://platform.example"],
    ["INFISICAL_GATEWAY_ENROLLMENT_TOKEN", ENROLLMENT],
    ["INFISICAL_GATEWAY_ACCESS_TOKEN", OPAQUE],
    ["SALLYPORT_SOMETHING_NEW", "a-secret-that-nobody-knows-yet"],
  ]);
  const env = {
    HTTPS_PROXY: `http://user:${PROXY_PASSWORD}@proxy.example:3128`,
    SALLYPORT_TOKEN: PERSON,
    SALLYPORT_DOMAIN: "https://platform.example",
    HOME: "/home/somebody",
  };
  const log = [
    `started with ${OPAQUE}`,
    `Authorization: Bearer ${ACCESS}`,
    `token=${ENROLLMENT}`,
    privateKey,
    sshKey,
    `found ${FROM_A_FILE}`,
    "the last line",
  ].join("\n");
  const asked: string[][] = [];
  const diagnosis = await scene.onGateway();
  const [step] = diagnosis.steps;
  if (step) step.detail = `it said ${OPAQUE}`;
  const path = workspace.join("bundle.tgz");
  const { runtimeDirectory } = scene;
  const daemon = {
    role: "gateway",
    name: "gateway-a",
    conf,
    runtimeDirectory,
    secrets: [FROM_A_FILE],
  } satisfies ViewedDaemon;
  await writeBundle(path, diagnosis, { daemon }, env, async (command) => {
    asked.push(command);
    return { exitCode: 0, stdout: log, stderr: "" };
  });

  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(asked.flat()).toContain("sallyport-gateway-gateway-a");
  const out = await workspace.directory("unpacked");
  await mustRun(["tar", "-xzf", path, "-C", out]);
  const files = (await mustRun(["find", out, "-type", "f", "-printf", "%f\\n"])).trim().split("\n").sort();
  expect(files).toEqual([
    ...["conf.txt", "doctor.json", "environment.txt", "log.txt", "status.json", "versions.json"],
  ]);
  const all = await mustRun(["sh", "-c", `cat ${out}/sallyport-doctor/*`]);
  for (const kept of [
    "gateway-a",
    "https://platform.example",
    "the last line",
    "host-certificate",
    "proxy.example",
  ]) {
    expect(all).toContain(kept);
  }
  const secrets = [
    ENROLLMENT,
    ACCESS,
    OPAQUE,
    PROXY_PASSWORD,
    PERSON,
    FROM_A_FILE,
    "a-secret-that-nobody-knows-yet",
  ];
  for (const secret of [...secrets, "PRIVATE KEY", ...linesOf(privateKey), ...linesOf(sshKey)]) {
    expect(all).not.toContain(secret);
  }
  expect(all).not.toContain("/home/somebody");
});

test("without a journal the archive is written all the same", async () => {
  const scene = await DoctorScene.open(workspace, { gateway: false });
  const path = workspace.join("small.tgz");
  const { runtimeDirectory } = scene;
  const conf = new Map<string, string>();
  const daemon = {
    role: "relay",
    name: "relay-a",
    conf,
    runtimeDirectory,
    secrets: [],
  } satisfies ViewedDaemon;
  const run = async () => ({ exitCode: 127, stdout: "", stderr: "no such program" });
  await writeBundle(path, await scene.onGateway(), { daemon }, {}, run);
  const listed = await mustRun(["tar", "-tzf", path]);
  expect(listed).toContain("sallyport-doctor/status.json");
  expect(listed).not.toContain("log.txt");
});

test.each([
  ["a bearer token", "Authorization: Bearer abcdefghijklmnop", "abcdefghijklmnop"],
  ["a login in a URL", "dial http://me:pass@proxy:1", "pass@"],
  ["a user alone in a URL", "dial http://tokenuser@proxy:1", "tokenuser"],
  ["a password in JSON", '{"password":"correcthorse"}', "correcthorse"],
  ["a key that is cut off", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk", "b3BlbnNzaC1rZXk"],
  ["a set-up token", "setup_0123456789abcdef", "0123456789abcdef"],
])("O5 %s is taken out of a text", (_, text, secret) => {
  expect(new Redactor([]).text(text)).not.toContain(secret);
});

/** Lines of a key that could be nothing else. */
function linesOf(pem: string): string[] {
  return pem.split("\n").filter((line) => line.length >= 20 && !line.startsWith("-----"));
}
