import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { becomesHealthy } from "../../support/becomes-healthy.ts";
import { GATEWAY, type PlatformNetwork, READY, startPlatform } from "../../support/platform-network.ts";
import { type RunningProcess, runProduct, startProduct } from "../../support/processes.ts";
import { ROLE_KEY, StandInSts } from "../../support/sts.ts";
import { Workspace } from "../../support/workspace.ts";

setDefaultTimeout(90_000);

let workspace: Workspace;
let sts: StandInSts;
let network: PlatformNetwork;
let gatewayId = "";
let gateway: RunningProcess;

const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: ROLE_KEY.accessKeyId,
  AWS_SECRET_ACCESS_KEY: ROLE_KEY.secretAccessKey,
  AWS_SESSION_TOKEN: ROLE_KEY.sessionToken ?? "",
  AWS_REGION: "eu-west-1",
  AWS_EC2_METADATA_DISABLED: "true",
};

beforeAll(async () => {
  workspace = await Workspace.open("aws-login");
  sts = workspace.own(new StandInSts());
  network = await startPlatform(workspace, { env: { SALLYPORT_AWS_STS_ENDPOINT: sts.url } });
  await network.enroll("relay");
  await network.start("relay").waitForLog(READY.relay);
});
afterAll(() => workspace.close());

const admin = (words: string[]) =>
  runProduct([...words, "--domain", network.client.domain], {
    home: workspace.path,
    env: { SALLYPORT_TOKEN: network.token },
  });

const start = (words: string[] = [], env: Record<string, string> = CREDENTIALS) =>
  workspace.own(startProduct(["gateway", "start", GATEWAY, ...words], { ...network.as("gateway"), env }));

test("a gateway that is created for AWS is deployed by the command that is printed", async () => {
  const created = await admin([
    ...["gateway", "create", GATEWAY, "--auth-method", "aws", "--json"],
    ...["--allow-arn", "arn:aws:iam::123456789012:role/gateway-*", "--allow-account", "123456789012"],
  ]);
  expect(created.stderr).toBe("");
  const { id, command, token } = JSON.parse(created.stdout);
  gatewayId = id;
  expect(token).toBeUndefined();
  expect(command).toBe(
    `sallyport gateway start ${GATEWAY} --enroll-method=aws --gateway-id=${id} --domain=${network.client.domain}`,
  );
  const shown = await admin(["gateway", "show", GATEWAY]);
  expect(shown.stdout).toContain("Logs in    by aws");
  expect(shown.stdout).toContain("ARNs: arn:aws:iam::123456789012:role/gateway-*");
  const again = await admin(["gateway", "deploy-command", GATEWAY]);
  expect(again.stdout.trim()).toBe(command);
});

test("X8 it logs in by a signature for this platform and becomes healthy", async () => {
  gateway = start(["--enroll-method=aws", `--gateway-id=${gatewayId}`, `--domain=${network.client.domain}`]);
  await gateway.waitForLog(READY.gateway);
  await becomesHealthy(network, gatewayId);
  expect(sts.calls).toHaveLength(1);
  expect(sts.calls[0]?.headers["x-sallyport-server-id"]).toContain(`/${gatewayId}/`);
});

test("doctor looks at it with the access token that is kept", async () => {
  const { exitCode, stdout } = await runProduct(
    ["doctor", "--gateway", GATEWAY, "--json"],
    network.as("gateway"),
  );
  const report = JSON.parse(stdout);
  expect({ exitCode, cause: report.cause ?? null }).toEqual({ exitCode: 0, cause: null });
});

test("it starts again without flags and without another login", async () => {
  expect(await gateway.stop()).toBe(0);
  gateway = start();
  await gateway.waitForLog(READY.gateway);
  expect(sts.calls).toHaveLength(1);
  await becomesHealthy(network, gatewayId);
});

test("the method is switched to token and back without dropping the tunnel", async () => {
  const since = async () => (await network.client.gateways.get(gatewayId)).health?.tunnels[0]?.since;
  const before = await since();
  expect(before).toBeString();
  for (const method of [["token"], ["aws", "--allow-account", "123456789012"]]) {
    const changed = await admin(["gateway", "auth-method", GATEWAY, ...method]);
    expect(changed.exitCode).toBe(0);
    expect(changed.stdout).toContain(`by ${method[0]}`);
    await becomesHealthy(network, gatewayId);
  }
  expect(await since()).toBe(before ?? "");
  expect(gateway.stderr.text).not.toContain("lost");
});

test("revoked, it logs in again when it starts, if it still may", async () => {
  const revoked = await admin(["gateway", "revoke", GATEWAY]);
  expect(revoked.stderr).toContain("may do so again");
  await gateway.waitForLog("was revoked");
  await gateway.stop();
  gateway = start();
  await gateway.waitForLog("logging in again");
  await gateway.waitForLog(READY.gateway);
  await becomesHealthy(network, gatewayId);
  expect(sts.calls).toHaveLength(2);
  expect(await gateway.stop()).toBe(0);
});

test("who is no longer allowed is told why, and what AWS says of it", async () => {
  await admin(["gateway", "auth-method", GATEWAY, "aws", "--allow-account", "210987654321"]);
  const refused = await runProduct(["gateway", "enroll", GATEWAY], {
    ...network.as("gateway"),
    env: CREDENTIALS,
  });
  expect(refused.exitCode).toBe(3);
  expect(refused.stderr).toContain("123456789012 may not log in here (account_id_not_allowed)");
});

test("without AWS credentials it says what to do, and asks nobody", async () => {
  const asked = sts.calls.length;
  const without = await runProduct(["gateway", "enroll", GATEWAY], {
    ...network.as("gateway"),
    env: { AWS_EC2_METADATA_DISABLED: "true" },
  });
  expect(without.exitCode).toBe(2);
  expect(without.stderr).toContain("no AWS credentials");
  expect(sts.calls).toHaveLength(asked);
});

test("O5 no secret of AWS is in what the processes said", () => {
  const said = [network.platform, gateway].map(({ stderr, stdout }) => stderr.text + stdout.text).join("");
  for (const secret of [ROLE_KEY.secretAccessKey, ROLE_KEY.sessionToken ?? ""])
    expect(said).not.toContain(secret);
});
