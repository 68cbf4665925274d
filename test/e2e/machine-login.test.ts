import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { StandInCredentials } from "../support/aws-credentials.ts";
import { StandInKubernetes } from "../support/kubernetes-api.ts";
import { GATEWAY, type PlatformNetwork, startPlatform } from "../support/platform-network.ts";
import { runProduct } from "../support/processes.ts";
import { ROLE_KEY, StandInSts } from "../support/sts.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(60_000);

let workspace: Workspace;
let sts: StandInSts;
let machine: StandInCredentials;
let network: PlatformNetwork;
let gatewayId = "";

beforeAll(async () => {
  workspace = await Workspace.open("e2e-login");
  sts = workspace.own(new StandInSts());
  machine = workspace.own(new StandInCredentials(ROLE_KEY));
  network = await startPlatform(workspace, {
    build: "binary",
    env: { SALLYPORT_AWS_STS_ENDPOINT: sts.url },
  });
  const authMethod = {
    method: "aws",
    allowedPrincipalArns: "arn:aws:iam::123456789012:role/gateway-office",
    allowedAccountIds: "",
    requireAudience: true,
  } as const;
  gatewayId = (await network.client.gateways.create({ name: GATEWAY, authMethod })).id;
});
afterAll(() => workspace.close());

const NO_METADATA = { AWS_EC2_METADATA_DISABLED: "true" };

async function enroll(method: string, env: Record<string, string>) {
  const words = ["gateway", "enroll", GATEWAY, `--enroll-method=${method}`, `--gateway-id=${gatewayId}`];
  return runProduct([...words, `--domain=${network.client.domain}`], { ...network.as("gateway"), env });
}

const SOURCES: [name: string, env: () => Promise<Record<string, string>>][] = [
  [
    "the environment",
    async () => ({
      ...NO_METADATA,
      AWS_ACCESS_KEY_ID: ROLE_KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: ROLE_KEY.secretAccessKey,
      AWS_SESSION_TOKEN: ROLE_KEY.sessionToken ?? "",
    }),
  ],
  [
    "a profile",
    async () => ({
      ...NO_METADATA,
      AWS_PROFILE: "office",
      AWS_SHARED_CREDENTIALS_FILE: await workspace.file(
        "credentials",
        `[office]\naws_access_key_id=${ROLE_KEY.accessKeyId}\naws_secret_access_key=${ROLE_KEY.secretAccessKey}\n` +
          `aws_session_token=${ROLE_KEY.sessionToken}\n`,
      ),
    }),
  ],
  [
    "a container's endpoint",
    async () => ({ ...NO_METADATA, AWS_CONTAINER_CREDENTIALS_FULL_URI: `${machine.url}/container` }),
  ],
  [
    "an instance's metadata",
    async () => ({
      AWS_EC2_METADATA_SERVICE_ENDPOINT: machine.url,
      AWS_EC2_METADATA_V1_DISABLED: "true",
    }),
  ],
];

test.each(SOURCES)("the binary signs in with AWS credentials of %s", async (_name, env) => {
  sts.calls.length = 0;
  const { exitCode, stdout, stderr } = await enroll("aws", { ...(await env()), AWS_REGION: "eu-west-1" });
  expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout.trim()).toEndWith(`sallyport gateway start ${GATEWAY}`);
  expect(sts.calls).toHaveLength(1);
  expect(sts.calls[0]?.headers.host).toBe("sts.eu-west-1.amazonaws.com");
});

test("the binary logs in with a pod's service account", async () => {
  const cluster = await StandInKubernetes.open(workspace);
  await network.client.gateways.update(gatewayId, {
    authMethod: {
      method: "kubernetes",
      kubernetesHost: cluster.url,
      caCertificate: cluster.authority,
      allowedNamespaces: "office",
      allowedNames: "",
      allowedAudience: "",
      verifyTlsCertificate: true,
    },
  });
  const path = await workspace.file("token", cluster.issue("office", "gateway", { mayReview: true }));
  const env = { SALLYPORT_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH: path };
  expect((await enroll("kubernetes", env)).exitCode).toBe(0);
});
