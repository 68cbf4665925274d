import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { ArgvWatch } from "../support/argv-watch.ts";
import { GATEWAY, type PlatformNetwork, READY, RELAY, startPlatform } from "../support/platform-network.ts";
import { freePort } from "../support/ports.ts";
import { privateKeysBelow } from "../support/private-keys.ts";
import { type Finished, type RunningProcess, runProduct, startProduct } from "../support/processes.ts";
import { StubProxy } from "../support/proxy.ts";
import { echoTarget, roundTrip } from "../support/steady-load.ts";
import { ROLE_KEY, StandInSts } from "../support/sts.ts";
import { Workspace } from "../support/workspace.ts";

/** The machine may be busy. */
setDefaultTimeout(180_000);

/** Only the proxy knows where that is. */
const RELAY_HOST = "relay.test";
const LOGIN = { username: "proxy-person", password: "a-proxy-password-4711" };
const PASSWORD = "a long password of a person 4712";
const RELAY_SECRET = "a-secret-of-instance-relays-4713";

let workspace: Workspace;
let network: PlatformNetwork;
let argv: ArgvWatch;
/** By what it is. */
const secrets = new Map<string, string>();
/** Whatever left a process: logs, answers of `status`, metrics, bundles. By where. */
const outputs = new Map<string, string>();
const daemons = new Map<string, RunningProcess>();

beforeAll(async () => {
  workspace = await Workspace.open("no-secrets");
  argv = workspace.own(new ArgvWatch());
  const sts = workspace.own(new StandInSts());
  network = await startPlatform(workspace, {
    relayHost: RELAY_HOST,
    env: { SALLYPORT_AWS_STS_ENDPOINT: sts.url, RELAY_AUTH_SECRET: RELAY_SECRET },
  });
  secrets.set("the administrator's token", network.token);
  secrets.set("the secret of instance relays", RELAY_SECRET);
  secrets.set("the proxy's password", LOGIN.password);
  secrets.set("the AWS secret key", ROLE_KEY.secretAccessKey);
  secrets.set("the AWS session token", ROLE_KEY.sessionToken ?? "");
  secrets.set("a person's password", PASSWORD);
});
afterAll(() => workspace.close());

const env = () => ({ SALLYPORT_TOKEN: network.token, SALLYPORT_DOMAIN: network.client.domain });

/** A command of somebody at home in `home`. What it prints is for them; what it says is looked through. */
async function run(
  words: string[],
  o: { home?: string; env?: Record<string, string>; input?: string } = {},
): Promise<Finished> {
  const home = o.home ?? workspace.path;
  const input = o.input === undefined ? {} : { input: o.input };
  const finished = await runProduct(words, { home, env: o.env ?? env(), ...input });
  if (finished.exitCode !== 0) throw new Error(`${words.join(" ")}: ${finished.stderr}`);
  outputs.set(`stderr of ${words.slice(0, 4).join(" ")} (${outputs.size})`, finished.stderr);
  return finished;
}

function start(
  name: string,
  words: string[],
  o: { home: string; env?: Record<string, string> },
): RunningProcess {
  const process = workspace.own(startProduct(words, o));
  daemons.set(name, process);
  return process;
}

/** What a JSON answer holds under a key. */
function field(finished: Finished, key: string): string {
  return z.string().parse(z.record(z.string(), z.unknown()).parse(JSON.parse(finished.stdout))[key]);
}

const DEBUG = ["--log-level", "debug"];

test("O5 everything is used once: enrolments, logins of every kind, proxies, status, metrics, bundles", async () => {
  const metrics = { relay: freePort(), gateway: freePort() };
  // The relay, by a one-time token from stdin.
  const relayToken = await network.mint("relay");
  secrets.set("the relay's enrollment token", relayToken);
  await run(network.enrollWords("relay"), { home: network.homes.relay, env: {}, input: relayToken });
  const relayWords = ["relay", "start", RELAY, ...DEBUG, "--metrics", String(metrics.relay)];
  const relay = start("relay", relayWords, network.as("relay"));
  const ready = await relay.waitForLog(READY.relay);
  const [sshPort = 0, tlsPort = 0] = [...ready.matchAll(/(?:ssh|tls)Port=(\d+)/g)].map(([, port]) =>
    Number(port),
  );

  // A gateway, by a one-time token, through a proxy with a login.
  const routes = new Map([sshPort, tlsPort].map((port) => [`${RELAY_HOST}:${port}`, port]));
  const proxy = workspace.own(await StubProxy.http({ login: LOGIN, routes }));
  const gatewayToken = await network.mint("gateway");
  secrets.set("the gateway's enrollment token", gatewayToken);
  const outbound = {
    ALL_PROXY: `http://${LOGIN.username}:${LOGIN.password}@127.0.0.1:${proxy.port}`,
    NO_PROXY: new URL(network.client.domain).host,
  };
  await run(network.enrollWords("gateway"), {
    home: network.homes.gateway,
    env: outbound,
    input: gatewayToken,
  });
  const gatewayWords = ["gateway", "start", GATEWAY, ...DEBUG, "--metrics", String(metrics.gateway)];
  const gateway = start("gateway", gatewayWords, { ...network.as("gateway"), env: outbound });
  await gateway.waitForLog(READY.gateway);
  expect(proxy.asked).toContain(`${RELAY_HOST}:${sshPort}`);

  // Another one, by AWS.
  const arn = ["--auth-method", "aws", "--allow-account", "123456789012"];
  const id = field(await run(["gateway", "create", "by-aws", ...arn, "--json"]), "id");
  const aws = {
    AWS_ACCESS_KEY_ID: ROLE_KEY.accessKeyId,
    AWS_SECRET_ACCESS_KEY: ROLE_KEY.secretAccessKey,
    AWS_SESSION_TOKEN: ROLE_KEY.sessionToken ?? "",
    AWS_REGION: "eu-west-1",
    ...outbound,
  };
  const awsHome = await workspace.directory("aws-home");
  const awsWords = ["gateway", "start", "by-aws", "--enroll-method=aws", `--gateway-id=${id}`];
  const byAws = start("by-aws", [...awsWords, `--domain=${network.client.domain}`, ...DEBUG], {
    home: awsHome,
    env: aws,
  });
  await byAws.waitForLog(READY.gateway);

  // A person by invitation and password; a token of hers.
  const link = (await run(["user", "invite", "mia@example.com", "--role", "admin"])).stdout.trim();
  secrets.set("the invitation", link.split("#")[1] ?? link);
  const mia = await workspace.directory("mia");
  const password = await workspace.file("password", `${PASSWORD}\n`);
  const join = ["login", "--email", "mia@example.com", "--password-file", password];
  // As the web page does: the link works once, and `login --invitation` has it in the arguments of a short life.
  const token = link.split("#")[1] ?? "";
  await network.client.people.acceptInvitation({ token, name: "Mia", password: PASSWORD });
  await run(join, { home: mia, env: { SALLYPORT_DOMAIN: network.client.domain } });
  const profile = await readFile(workspace.join("mia/config/sallyport/profile.json"), "utf8");
  secrets.set("a person's session", z.object({ token: z.string() }).parse(JSON.parse(profile)).token);
  secrets.set(
    "an API token",
    (await run(["token", "create", "ci", "--json"])).stdout.match(/sp\w_[\w-]+/)?.[0] ?? "",
  );

  // A machine identity, which logs in by its secret and connects.
  await run(["identity", "create", "robot", "--role", "admin"]);
  const made = await run(["identity", "secret", "create", "robot", "--json"]);
  const [clientId, clientSecret] = [field(made, "clientId"), field(made, "clientSecret")];
  secrets.set("a client secret", clientSecret);
  const secretFile = await workspace.file("client-secret", clientSecret);
  const identity = {
    SALLYPORT_DOMAIN: network.client.domain,
    SALLYPORT_UNIVERSAL_AUTH_CLIENT_ID: clientId,
    SALLYPORT_UNIVERSAL_AUTH_CLIENT_SECRET_FILE: secretFile,
    ...outbound,
  };
  const robot = await workspace.directory("robot");
  const login = await run(["login", "--method", "universal-auth", "--plain"], { home: robot, env: identity });
  secrets.set("a machine identity's access token", login.stdout.trim());
  const target = String(await echoTarget(workspace));
  await run(["resource", "create", "echo", "--gateway", GATEWAY, "--target", `127.0.0.1:${target}`]);
  const words = ["connect", "echo", "--listen", "127.0.0.1:0", "--json", ...DEBUG];
  const connect = start("connect", words, { home: robot, env: identity });
  const { port } = z.object({ port: z.number() }).parse(await connect.waitForJson(20_000));
  expect(await roundTrip(port)).toBe(true);

  // A webhook's secret.
  const alert = await run(["alert", "create", "ops", "--webhook", "https://hooks.example.com/x", "--json"]);
  secrets.set("a webhook's secret", field(alert, "secret"));

  // Things go wrong, too: each refusal is a line in somebody's log.
  await runProduct(network.enrollWords("gateway"), { ...network.as("gateway"), input: gatewayToken });
  await runProduct(["login", "--token-file", "-"], { home: robot, env: identity, input: clientSecret });
  for (const daemon of [relay, gateway]) daemon.signal("SIGHUP");
  await network.client.gateways.revoke(id);
  await byAws.waitForLog("revoked");

  // What operators look at and pass on.
  for (const [role, name] of [
    ["relay", RELAY],
    ["gateway", GATEWAY],
  ] as const) {
    const own = { ...network.as(role), env: role === "gateway" ? outbound : {} };
    const status = await runProduct([role, "status", name, "--json"], own);
    outputs.set(`status of the ${role}`, status.stdout);
    outputs.set(
      `metrics of the ${role}`,
      await (await fetch(`http://127.0.0.1:${metrics[role]}/metrics`)).text(),
    );
    const bundle = workspace.join(`${role}.tgz`);
    const doctor = await runProduct(["doctor", `--${role}`, name, "--json", "--bundle", bundle], own);
    outputs.set(`doctor of the ${role}`, doctor.stdout + doctor.stderr);
    const files = await new Bun.Archive(await Bun.file(bundle).bytes()).files();
    for (const [path, content] of files) outputs.set(`bundle of the ${role}: ${path}`, await content.text());
    const unit = await runProduct([role, "install", name, "--dry-run"], own);
    outputs.set(`unit of the ${role}`, unit.stdout + unit.stderr);
  }
  for (const [name, daemon] of daemons) {
    await daemon.stop(40_000);
    outputs.set(`log of ${name}`, daemon.stderr.text + daemon.stdout.text);
  }
  await network.platform.stop(40_000);
  outputs.set("log of the platform", network.platform.stderr.text + network.platform.stdout.text);
  argv.close();
  outputs.set("command lines", argv.seen.join("\n"));
});

test("O5 the search would find what it looks for", async () => {
  expect(secrets.size).toBeGreaterThan(12);
  for (const [what, secret] of secrets)
    expect({ what, length: secret.length > 15 }).toEqual({ what, length: true });
  expect(outputs.get("log of relay")).toContain("DEBUG");
  expect(outputs.get("command lines")).toContain("relay start edge --log-level debug");
  expect(outputs.get("metrics of the gateway")).toContain("sallyport_info");
  expect([...outputs.keys()].filter((where) => where.startsWith("bundle")).length).toBeGreaterThan(6);
});

test("O5 no secret that was handed out is in a log, in arguments, in metrics, in a status or in a bundle", () => {
  const found = [...secrets].flatMap(([what, secret]) => {
    // Also as it would stand in a header or a query.
    const spellings = [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString("base64").replace(/=+$/, ""),
    ];
    return [...outputs]
      .filter(([, text]) => spellings.some((spelling) => text.includes(spelling)))
      .map(([where]) => `${what} in ${where}`);
  });
  expect(found).toEqual([]);
});

test("O5 nor is any private key that lies in a state directory", async () => {
  const homes = [network.homes.relay, network.homes.gateway, workspace.join("aws-home")];
  const keys = (await Promise.all(homes.map((home) => privateKeysBelow(`${home}/state`)))).flat();
  expect(keys.length).toBeGreaterThan(4);
  const found = keys.flatMap(({ file, text, secret }) =>
    [...outputs]
      .filter(([, output]) => {
        const plain = output.replaceAll("\\n", "").replace(/\s/g, "");
        return plain.includes(text.slice(0, 60)) || plain.toLowerCase().includes(secret.toString("hex"));
      })
      .map(([where]) => `${file} in ${where}`),
  );
  expect(found).toEqual([]);
});
