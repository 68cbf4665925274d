import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { type Network, startNetwork } from "../support/network.ts";
import { makeKey, type OpenSshKey, runSsh, type SshOptions } from "../support/openssh.ts";
import { productCommand } from "../support/processes.ts";
import { type Sshd, startSshd } from "../support/sshd.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(60_000);

let workspace: Workspace;
let network: Network;
let sshd: Sshd;
let options: SshOptions;

beforeAll(async () => {
  workspace = await Workspace.open("e2e");
  const hostKey = await makeKey(workspace, "host");
  const userKey: OpenSshKey = await makeKey(workspace, "user");
  sshd = await startSshd(workspace, { hostKey, authorizedKeys: [userKey.publicLine] });
  network = await startNetwork(workspace, { build: "binary" });
  const directory = await network.clientDirectory(`127.0.0.1:${sshd.port}`);
  const proxy = productCommand(["connect", "--pki", directory, "--stdio"], "binary").join(" ");
  options = {
    host: "private.example",
    port: 22,
    key: userKey,
    knownHosts: `private.example ${hostKey.publicLine}`,
    settings: [`ProxyCommand=${proxy}`],
  };
});
afterAll(() => workspace.close());

test("ssh runs a command on a private host through ProxyCommand", async () => {
  const { exitCode, stdout } = await runSsh(workspace, { ...options, command: ["echo", "inside"] });
  expect(stdout).toBe("inside\n");
  expect(exitCode).toBe(0);
});

test("ssh carries 32 MB up unchanged", async () => {
  const payload = randomBytes(32 * 1024 * 1024);
  const { stdout } = await runSsh(workspace, {
    ...options,
    command: ["sha256sum"],
    input: payload,
    deadlineMs: 60_000,
  });
  expect(stdout).toStartWith(createHash("sha256").update(payload).digest("hex"));
});

test("ssh passes on all output and the exit code of a command that ends first", async () => {
  const { exitCode, stdout } = await runSsh(workspace, {
    ...options,
    command: ["seq 1 400000; exit 7"],
  });
  const numbers = Array.from({ length: 400_000 }, (_, i) => `${i + 1}\n`).join("");
  expect(stdout === numbers).toBe(true);
  expect(exitCode).toBe(7);
});
