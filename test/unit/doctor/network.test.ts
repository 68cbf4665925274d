import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer } from "node:net";
import { z } from "zod";
import {
  GATEWAY,
  type PlatformNetwork,
  READY,
  RELAY,
  startPlatform,
} from "../../support/platform-network.ts";
import { runProduct } from "../../support/processes.ts";
import { Workspace } from "../../support/workspace.ts";

const diagnosis = z.object({
  place: z.string(),
  verdict: z.string(),
  cause: z.object({ step: z.string(), code: z.string() }).nullable(),
  steps: z.array(z.object({ id: z.string(), verdict: z.string(), because: z.string().nullable() })),
});

let workspace: Workspace;
let network: PlatformNetwork;
beforeAll(async () => {
  workspace = await Workspace.open("doctor-network");
  network = await startPlatform(workspace);
  for (const agent of ["relay", "gateway"] as const) {
    await network.enroll(agent);
    await network.start(agent).waitForLog(READY[agent]);
  }
  const target = workspace.own(createServer((socket) => socket.pipe(socket)));
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const address = target.address();
  const port = typeof address === "object" && address ? address.port : 0;
  await network.client.resources.create({ name: "echo", gatewayName: GATEWAY, host: "127.0.0.1", port });
});
afterAll(() => workspace.close());

async function doctor(options: Parameters<typeof runProduct>[1], ...args: string[]) {
  const { exitCode, stdout, stderr } = await runProduct(["doctor", ...args, "--json"], options);
  return { exitCode, stderr, ...diagnosis.parse(JSON.parse(stdout)) };
}

/** A person's machine. */
function person() {
  const env = { SALLYPORT_TOKEN: network.token, SALLYPORT_DOMAIN: network.client.domain };
  return { home: workspace.path, env };
}

test("a whole network in order is found so from its gateway, its relay and a client", async () => {
  const found = await Promise.all([
    doctor(network.as("gateway"), "--gateway", GATEWAY),
    doctor(network.as("relay"), "--relay", RELAY),
    doctor(person(), "echo"),
    doctor(person(), "--gateway", GATEWAY, "--target", "127.0.0.1:9"),
  ]);
  const [gateway, relay, client, refused] = found;
  for (const one of [gateway, relay, client]) {
    expect(one).toMatchObject({ exitCode: 0, stderr: "", cause: null });
    expect(one.steps.filter(({ verdict }) => verdict === "failed" || verdict === "warning")).toEqual([]);
  }
  expect(found.map(({ place }) => place)).toEqual(["gateway", "relay", "client", "client"]);
  const went = (one: z.infer<typeof diagnosis>) =>
    one.steps.filter(({ verdict }) => verdict === "ok").map(({ id }) => id);
  expect(went(gateway)).toEqual(expect.arrayContaining(["api-token", "user-certificate", "daemon", "probe"]));
  expect(went(relay)).toEqual(expect.arrayContaining(["api-token", "host-certificate", "tls-port", "probe"]));
  expect(went(client)).toEqual(
    expect.arrayContaining(["api-token", "access", "inner-tls", "target", "throughput"]),
  );
  expect(refused).toMatchObject({ exitCode: 4, cause: { step: "target", code: "TARGET_REFUSED" } });
});

test("a person whose token is none is told so", async () => {
  const env = { ...person().env, SALLYPORT_TOKEN: "spt_nobody" };
  const found = await doctor({ ...person(), env }, "echo");
  expect(found).toMatchObject({ exitCode: 3, cause: { step: "api-token", code: "UNAUTHENTICATED" } });
});

test("a gateway that was revoked is told so, on its machine and to its clients", async () => {
  const [{ id = "" } = {}] = await network.client.gateways.list();
  await network.client.gateways.revoke(id);
  const found = await doctor(network.as("gateway"), "--gateway", GATEWAY);
  expect(found).toMatchObject({ exitCode: 3, cause: { step: "api-token" } });
  expect(found.steps.filter(({ verdict }) => verdict === "failed")).toHaveLength(1);
  const client = await doctor(person(), "echo");
  expect(client.cause?.code).toMatch(/^GATEWAY_(REVOKED|NOT_CONNECTED)$/);
});
