import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Network, startNetwork } from "../support/network.ts";
import { runProduct } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(60_000);

let workspace: Workspace;
let network: Network;
let target: Bun.TCPSocketListener;

beforeAll(async () => {
  workspace = await Workspace.open("e2e");
  target = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket, chunk) {
        socket.write(`you said ${chunk}`);
        socket.end();
      },
    },
  });
  workspace.defer(() => target.stop(true));
  network = await startNetwork(workspace, { build: "binary" });
});
afterAll(() => workspace.close());

/** One word through the tunnel on stdin and stdout. */
function ask(directory: string, word: string) {
  return runProduct(["connect", "--pki", directory, "--stdio"], {
    home: workspace.path,
    build: "binary",
    input: word,
  });
}

test("three directories and three processes carry a byte, without a platform", async () => {
  const directory = await network.clientDirectory(`127.0.0.1:${target.port}`);
  const { exitCode, stdout } = await ask(directory, "x");
  expect(stdout).toBe("you said x");
  expect(exitCode).toBe(0);
});

test("a gateway that was revoked is refused, and the reason is said", async () => {
  const directory = await network.clientDirectory(`127.0.0.1:${target.port}`);
  await network.sallyport("ca", "revoke", "gateway", "site", "--dir", network.directories.ca);
  await network.gateway.waitForLog(/revoked/i);
  const { exitCode, stdout, stderr } = await ask(directory, "x");
  expect(stdout).toBe("");
  expect(stderr).toMatch(/\[GATEWAY_(REVOKED|NOT_CONNECTED)\]/);
  expect(exitCode).toBeGreaterThan(2);
});
