import { afterAll, beforeAll, expect, test } from "bun:test";
import { type AddressInfo, connect, createServer } from "node:net";
import { z } from "zod";
import { freePort } from "../support/ports.ts";
import { mustRun, productCommand, type RunningProcess, startProduct } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

let workspace: Workspace;

beforeAll(async () => {
  workspace = await Workspace.open("ipv6");
});
afterAll(() => workspace.close());

function start(...args: string[]): RunningProcess {
  return workspace.own(startProduct(args, { home: workspace.path, build: "binary" }));
}

async function ca(...args: string[]): Promise<void> {
  const env = { HOME: workspace.path };
  await mustRun([...productCommand(["ca", ...args], "binary"), "--dir", workspace.join("ca")], { env });
}

test("X2 IPv6 literals everywhere: the relay, its certificates, the target and the local port are on ::1", async () => {
  const [ssh, tls] = [String(freePort()), String(freePort())];
  const echo = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, "::1", resolve));
  workspace.defer(() => echo.close());
  const target = `[::1]:${(echo.address() as AddressInfo).port}`;

  await ca("init", "--org", "Acme");
  const ports = ["--ssh-port", ssh, "--tls-port", tls];
  await ca("issue", "relay", "edge", "--host", "::1", ...ports, "--out", workspace.join("relay"));
  await ca("issue", "gateway", "site", "--relay-host", `[::1]:${ssh}`, "--out", workspace.join("gateway"));
  await ca("issue", "client", "--gateway", "site", "--target", target, "--out", workspace.join("client"));

  const relay = start("relay", "start", "--pki", workspace.join("relay"), "--listen", "::1");
  await relay.waitForLog("Relay server started successfully");
  const gateway = start("gateway", "start", "--pki", workspace.join("gateway"), "--allow", target);
  expect(await gateway.waitForLog("Relay connection established")).toContain(`address="[::1]:${ssh}"`);
  const forward = start("connect", "--pki", workspace.join("client"), "--listen", "[::1]:0", "--json");
  const { listening, port } = z
    .object({ listening: z.string(), port: z.number() })
    .parse(await forward.waitForJson());
  expect(listening).toBe(`[::1]:${port}`);

  const socket = connect({ host: "::1", port });
  workspace.defer(() => socket.destroy());
  socket.write("hello");
  const answer = await new Promise((resolve) => socket.once("data", (chunk) => resolve(chunk.toString())));
  expect(answer).toBe("hello");
}, 60_000);
