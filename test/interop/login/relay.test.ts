import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type PlatformNetwork, READY, RELAY, startPlatform } from "../../support/platform-network.ts";
import { freePort } from "../../support/ports.ts";
import { type RunningProcess, runProduct, startProduct } from "../../support/processes.ts";
import { ROLE_KEY, StandInSts } from "../../support/sts.ts";
import { Workspace } from "../../support/workspace.ts";

setDefaultTimeout(60_000);

let workspace: Workspace;
let sts: StandInSts;
let network: PlatformNetwork;
let relayId = "";
let words: string[] = [];
let relay: RunningProcess;

const env = {
  AWS_ACCESS_KEY_ID: ROLE_KEY.accessKeyId,
  AWS_SECRET_ACCESS_KEY: ROLE_KEY.secretAccessKey,
  AWS_SESSION_TOKEN: ROLE_KEY.sessionToken ?? "",
};

beforeAll(async () => {
  workspace = await Workspace.open("relay-login");
  sts = workspace.own(new StandInSts());
  network = await startPlatform(workspace, { env: { SALLYPORT_AWS_STS_ENDPOINT: sts.url } });
});
afterAll(() => workspace.close());

const admin = (line: string[]) =>
  runProduct([...line, "--domain", network.client.domain], {
    home: workspace.path,
    env: { SALLYPORT_TOKEN: network.token },
  });

const start = (more: string[]) => {
  const ports = ["--listen=127.0.0.1", `--ssh-port=${freePort()}`, `--tls-port=${freePort()}`];
  return workspace.own(startProduct(["relay", "start", ...more, ...ports], { ...network.as("relay"), env }));
};

test("a relay that is created for AWS starts by the command that is printed", async () => {
  const account = ["--auth-method", "aws", "--allow-account", "123456789012", "--json"];
  const created = await admin(["relay", "create", RELAY, "--host", "127.0.0.1", ...account]);
  const { id, command, authMethod } = JSON.parse(created.stdout);
  relayId = id;
  expect(authMethod).toMatchObject({ method: "aws", requireAudience: true });
  const { domain } = network.client;
  expect(command).toBe(
    `sallyport relay start --name=${RELAY} --enroll-method=aws --relay-id=${id} --domain=${domain}`,
  );
  words = command.split(" ").slice(3);
  relay = start(words);
  await relay.waitForLog(READY.relay);
  expect(sts.calls[0]?.headers["x-sallyport-server-id"]).toContain(`/${id}/`);
});

test("it starts again by its name alone, without another login", async () => {
  expect(await relay.stop()).toBe(0);
  relay = start([RELAY]);
  await relay.waitForLog(READY.relay);
  expect(sts.calls).toHaveLength(1);
});

test("revoked it ends; started again it logs in again, if it still may", async () => {
  expect((await admin(["relay", "revoke", RELAY])).stderr).toContain("may do so again");
  expect(await relay.exited).toBe(3);
  relay = start([RELAY]);
  await relay.waitForLog("logging in again");
  await relay.waitForLog(READY.relay);
  expect(sts.calls).toHaveLength(2);
  expect(await relay.stop()).toBe(0);
});

test("switched to token it enrolls by one", async () => {
  const changed = await admin(["relay", "auth-method", RELAY, "token", "--json"]);
  expect(JSON.parse(changed.stdout)).toMatchObject({ method: "token" });
  const { token } = await network.client.relays.generateToken(relayId);
  relay = start([RELAY, `--token=${token}`]);
  await relay.waitForLog(READY.relay);
  expect(sts.calls).toHaveLength(2);
  expect(await relay.stop()).toBe(0);
});
