import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { becomesHealthy } from "../../support/becomes-healthy.ts";
import { StandInKubernetes } from "../../support/kubernetes-api.ts";
import { GATEWAY, type PlatformNetwork, READY, startPlatform } from "../../support/platform-network.ts";
import { type RunningProcess, runProduct, startProduct } from "../../support/processes.ts";
import { Workspace } from "../../support/workspace.ts";

setDefaultTimeout(60_000);

let workspace: Workspace;
let cluster: StandInKubernetes;
let network: PlatformNetwork;
let gatewayId = "";
let tokenPath = "";
let gateway: RunningProcess;

beforeAll(async () => {
  workspace = await Workspace.open("kubernetes-login");
  cluster = await StandInKubernetes.open(workspace);
  network = await startPlatform(workspace);
  await network.enroll("relay");
  await network.start("relay").waitForLog(READY.relay);
});
afterAll(() => workspace.close());

const admin = (words: string[]) =>
  runProduct([...words, "--domain", network.client.domain], {
    home: workspace.path,
    env: { SALLYPORT_TOKEN: network.token },
  });

const start = () =>
  workspace.own(
    startProduct(
      [
        ...["gateway", "start", GATEWAY, "--enroll-method=kubernetes", `--gateway-id=${gatewayId}`],
        ...[`--domain=${network.client.domain}`, `--service-account-token-path=${tokenPath}`],
      ],
      network.as("gateway"),
    ),
  );

test("a gateway is created for a cluster, which is asked before the settings are kept", async () => {
  const ca = await workspace.file("cluster-ca.pem", cluster.authority);
  const reviewer = cluster.issue("kube-system", "reviewer", { mayReview: true });
  const reviewerFile = await workspace.file("reviewer", reviewer);
  const words = [
    ...["gateway", "create", GATEWAY, "--auth-method", "kubernetes", "--json"],
    ...["--kubernetes-host", cluster.url, "--reviewer-token-file", reviewerFile],
    ...["--allow-namespace", "office", "--allow-service-account", "gateway-*"],
  ];
  const untrusted = await admin(words);
  expect(untrusted.exitCode).toBe(2);
  expect(untrusted.stderr).toContain("can't be reached");
  const created = await admin([...words, "--kubernetes-ca-file", ca]);
  expect(created.stderr).toBe("");
  const { id, command, authMethod } = JSON.parse(created.stdout);
  gatewayId = id;
  expect(command).toContain(`--enroll-method=kubernetes --gateway-id=${id}`);
  expect(authMethod).toMatchObject({ method: "kubernetes", hasTokenReviewerJwt: true });
});

test("without a service account it says what to do", async () => {
  const words = ["gateway", "enroll", GATEWAY, "--enroll-method=kubernetes", `--gateway-id=${gatewayId}`];
  const { exitCode, stderr } = await runProduct([...words, `--domain=${network.client.domain}`], {
    ...network.as("gateway"),
    env: { SALLYPORT_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH: workspace.join("nowhere") },
  });
  expect(exitCode).toBe(2);
  expect(stderr).toContain("run this in a pod whose service account is mounted");
});

test("by its service account it logs in and becomes healthy", async () => {
  tokenPath = await workspace.file("token", `${cluster.issue("office", "gateway-1")}\n`);
  gateway = start();
  await gateway.waitForLog(READY.gateway);
  await becomesHealthy(network, gatewayId);
});

test("it starts again, also when the token in its file has changed and its access was revoked", async () => {
  expect(await gateway.stop()).toBe(0);
  await network.client.gateways.revoke(gatewayId);
  await workspace.file("token", cluster.issue("office", "gateway-2"));
  gateway = start();
  await gateway.waitForLog("logging in again");
  await gateway.waitForLog(READY.gateway);
  await becomesHealthy(network, gatewayId);
});

test("the method is switched to token and back without dropping the tunnel", async () => {
  const since = async () => (await network.client.gateways.get(gatewayId)).health?.tunnels[0]?.since;
  const before = await since();
  expect(before).toBeString();
  await network.client.gateways.update(gatewayId, { authMethod: { method: "token" } });
  await becomesHealthy(network, gatewayId);
  const back = await admin([
    ...["gateway", "auth-method", GATEWAY, "kubernetes", "--kubernetes-host", cluster.url],
    ...["--kubernetes-ca-file", workspace.join("cluster-ca.pem"), "--allow-namespace", "home"],
  ]);
  expect(back.exitCode).toBe(0);
  expect(back.stdout).toContain("reviewer: the pod itself");
  await becomesHealthy(network, gatewayId);
  expect(await since()).toBe(before ?? "");
  expect(await gateway.stop()).toBe(0);
});

test("a service account that is not allowed ends with exit code 3 and the reason", async () => {
  await network.client.gateways.revoke(gatewayId);
  await workspace.file("token", cluster.issue("office", "gateway-3", { mayReview: true }));
  const refused = await runProduct(["gateway", "enroll", GATEWAY], {
    ...network.as("gateway"),
    env: { SALLYPORT_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH: tokenPath },
  });
  expect(refused.exitCode).toBe(3);
  expect(refused.stderr).toContain("(namespace_not_allowed)");
});
