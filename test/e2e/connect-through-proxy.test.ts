import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { freePort, onFreePort } from "../support/ports.ts";
import { mustRun, type ProductOptions, runProduct, startProduct } from "../support/processes.ts";
import { StubProxy } from "../support/proxy.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(60_000);

/** A name that no DNS knows: only the proxy leads there. */
const RELAY = "relay.test";

let workspace: Workspace;
let product: ProductOptions;
let proxy: StubProxy;
let target: number;
let client: string;

beforeAll(async () => {
  workspace = await Workspace.open("e2e");
  product = { home: workspace.path, build: "binary" };
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("private page") });
  workspace.defer(() => void server.stop(true));
  target = server.port ?? 0;
  const routes = new Map<string, number>();
  proxy = workspace.own(await StubProxy.http({ routes, login: { username: "ann", password: "s3cret" } }));

  const directory = (name: string) => workspace.join(name);
  const ca = ["--dir", directory("ca")];
  const sallyport = (...args: string[]) =>
    runProduct(args, product).then(({ exitCode, stderr }) => expect([exitCode, stderr]).toEqual([0, stderr]));
  await sallyport("ca", "init", ...ca, "--org", "Acme");
  await onFreePort(async (ssh) => {
    const tls = freePort();
    const out = directory(`relay-${ssh}`);
    const ports = ["--ssh-port", String(ssh), "--tls-port", String(tls)];
    await sallyport("ca", "issue", "relay", "edge", ...ca, "--host", RELAY, ...ports, "--out", out);
    const relay = startProduct(["relay", "start", "--pki", out, "--listen", "127.0.0.1"], product);
    try {
      await relay.waitForLog("Relay server started successfully");
    } catch (error) {
      await relay.close();
      throw error;
    }
    workspace.own(relay);
    routes.set(`${RELAY}:${ssh}`, ssh).set(`${RELAY}:${tls}`, tls);
    const gateway = ["gateway", "site", ...ca, "--relay-host", `${RELAY}:${ssh}`];
    await sallyport("ca", "issue", ...gateway, "--out", directory("gateway"));
  });
  const behind = { ...product, env: environment("ann:s3cret") };
  const start = ["gateway", "start", "--pki", directory("gateway"), "--allow", "127.0.0.1"];
  const gateway = workspace.own(startProduct(start, behind));
  await gateway.waitForLog("Gateway started successfully");
  client = directory("client");
  const wanted = ["--gateway", "site", "--target", `127.0.0.1:${target}`];
  await sallyport("ca", "issue", "client", ...ca, ...wanted, "--out", client);
});
afterAll(() => workspace.close());

const environment = (login: string) => ({ ALL_PROXY: `http://${login}@127.0.0.1:${proxy.port}` });

test("F11 connect reaches the relay through the proxy of the environment", async () => {
  const options = { ...product, env: environment("ann:s3cret") };
  const local = workspace.own(startProduct(["connect", "--pki", client, "--socks5", "0", "--json"], options));
  const { socks5 } = (await local.waitForJson()) as { socks5: string };
  const page = await mustRun(["curl", "-sS", "-x", `socks5h://${socks5}`, `http://127.0.0.1:${target}/`]);
  expect(page).toBe("private page");
  const forwarded = workspace.own(
    startProduct(["connect", "--pki", client, "--listen", "127.0.0.1:0", "--json"], options),
  );
  const { listening } = (await forwarded.waitForJson()) as { listening: string };
  expect(await mustRun(["curl", "-sS", `http://${listening}/`])).toBe("private page");
});

test("F11 a refusal of the proxy is named, without the login", async () => {
  const options = { ...product, env: environment("ann:guess") };
  const { exitCode, stderr } = await runProduct(["connect", "--pki", client, "--stdio"], options);
  expect(exitCode).toBe(3);
  expect(stderr).toContain("[PROXY_REFUSED]");
  expect(stderr).toContain(`http://127.0.0.1:${proxy.port}`);
  expect(stderr).not.toContain("guess");
});

test("F11 doctor names the same cause", async () => {
  const options = { ...product, env: environment("ann:guess") };
  const { stdout } = await runProduct(["doctor", "--pki", client, "--json"], options);
  expect(JSON.parse(stdout)).toMatchObject({ cause: { code: "PROXY_REFUSED" } });
});
