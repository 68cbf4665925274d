import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { Agent, createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Network, startNetwork } from "../support/network.ts";
import { Workspace } from "../support/workspace.ts";

const payload = randomBytes(48 * 1024 * 1024);
const digest = createHash("sha256").update(payload).digest("hex");

setDefaultTimeout(60_000);

let workspace: Workspace;
let network: Network;
let server: Server;
let hosts: (string | undefined)[];

beforeAll(async () => {
  workspace = await Workspace.open("e2e");
  hosts = [];
  server = createServer((incoming, outgoing) => {
    hosts.push(incoming.headers.host);
    if (incoming.method === "POST") {
      const hash = createHash("sha256");
      incoming.on("data", (chunk: Buffer) => hash.update(chunk));
      incoming.on("end", () => outgoing.end(hash.digest("hex")));
    } else outgoing.end(payload);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  workspace.defer(() => server.closeAllConnections());
  workspace.defer(() => server.close());
  network = await startNetwork(workspace, { build: "binary" });
});
afterAll(() => workspace.close());

test("HTTP mode downloads and uploads over one kept-alive connection, bytes unchanged", async () => {
  const targetPort = (server.address() as AddressInfo).port;
  const { port } = await network.forward(`127.0.0.1:${targetPort}`, "--mode", "http");
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  workspace.defer(() => agent.destroy());
  const first = await call(port, agent);
  const second = await call(port, agent);
  const uploaded = await call(port, agent, payload);
  expect([first.digest, second.digest]).toEqual([digest, digest]);
  expect(uploaded.body).toBe(digest);
  expect([first.reused, second.reused, uploaded.reused]).toEqual([false, true, true]);
  expect(hosts).toEqual(Array(3).fill(`127.0.0.1:${targetPort}`));
});

interface Answer {
  digest: string;
  /** The text of short answers. */
  body: string;
  /** The local connection had served an earlier request. */
  reused: boolean;
}

function call(port: number, agent: Agent, upload?: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: "127.0.0.1",
      port,
      agent,
      path: "/file",
      method: upload ? "POST" : "GET",
    });
    outgoing.on("error", reject);
    outgoing.on("response", (incoming) => {
      const hash = createHash("sha256");
      let body = "";
      incoming.on("data", (chunk: Buffer) => {
        hash.update(chunk);
        if (body.length < 1000) body += chunk.toString("latin1", 0, 1000);
      });
      incoming.on("error", reject);
      incoming.on("end", () => resolve({ digest: hash.digest("hex"), body, reused: outgoing.reusedSocket }));
    });
    outgoing.end(upload);
  });
}
