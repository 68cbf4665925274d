import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { z } from "zod";
import { type Finished, type RunningProcess, runProduct, startProduct } from "../../support/processes.ts";
import { Workspace } from "../../support/workspace.ts";

const printed = z.object({
  token: z.string(),
  password: z.string(),
  url: z.string(),
  organisationId: z.uuid(),
});

let workspace: Workspace;
let home = "";
beforeEach(async () => {
  workspace = await Workspace.open("platform-commands");
  home = await workspace.directory("home");
});
afterEach(() => workspace.close());

const run = (
  args: string[],
  more: { input?: string; env?: Record<string, string> } = {},
): Promise<Finished> => runProduct(args, { home, ...more });
const dataDir = () => ["--data-dir", workspace.join("data")];

async function bootstrap(...more: string[]): Promise<z.infer<typeof printed>> {
  const flags = ["--email", "root@example.com", "--org", "Acme", "--json", ...more];
  const { exitCode, stdout, stderr } = await run(["platform", "bootstrap", ...dataDir(), ...flags]);
  expect([exitCode, stderr.includes("spt_")]).toEqual([0, false]);
  return printed.parse(JSON.parse(stdout));
}

async function start(): Promise<{ process: RunningProcess; url: string }> {
  const process = workspace.own(
    startProduct(["platform", "start", "--listen", "127.0.0.1:0", ...dataDir()], { home }),
  );
  const line = await process.waitForLog("Platform started");
  return { process, url: /url=(\S+)/.exec(line)?.[1] ?? "" };
}

describe("platform commands", () => {
  test("bootstrap prints the administrator once, with the public URL, and is refused the second time", async () => {
    const made = await bootstrap("--public-url", "https://sallyport.example.com/");
    expect(made.url).toBe("https://sallyport.example.com");
    const again = await run([
      "platform",
      "bootstrap",
      ...dataDir(),
      "--email",
      "b@example.com",
      "--org",
      "B",
    ]);
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain("[ALREADY_EXISTS]");
    expect(again.stdout).toBe("");
  });

  test("for people bootstrap prints the next commands with what was given", async () => {
    const flags = ["--email", "root@example.com", "--org", "Acme", "--public-url", "https://s.example.com"];
    const { stdout, stderr } = await run(["platform", "bootstrap", ...dataDir(), ...flags]);
    expect(stdout).toMatch(/API token +spt_/);
    expect(stderr).toContain("sallyport platform start --public-url=https://s.example.com --data-dir=/");
    expect(stderr).toContain("sallyport login --domain https://s.example.com\n");
    expect(stderr).not.toContain("spt_");
  });

  test.each([
    [["platform", "bootstrap", "--email", "root@example.com"], "--org"],
    [["platform", "bootstrap", "--email", "nobody", "--org", "Acme"], "--email"],
    [["platform", "start", "--listen", "nonsense"], "--listen"],
    [["platform", "start", "--listen", "0.0.0.0:0"], "--public-url"],
    [["platform", "start", "--database-url", "mysql://x"], "--database-url"],
    [["platform", "start", "--public-url", "ftp://x"], "http"],
    [["platform", "start", "--tls-cert", "cert.pem"], "--tls-key"],
    [["platform", "start", "--tls-cert", "none.pem", "--tls-key", "none.pem"], "none.pem"],
    [["platform", "start", "--trusted-proxy", "10.0.0.0/33"], "address range"],
    [["login", "--domain", "https://x.example"], "--token-file"],
    [["resource", "create", "db", "--gateway", "office", "--target", "db"], "--target"],
  ])("%j ends with exit code 2 and says what to do", async (args, hint) => {
    const withData = args[0] === "platform" ? [...args, ...dataDir()] : args;
    const { exitCode, stderr, stdout } = await run(withData);
    expect(stderr).toContain(hint);
    expect([exitCode, stdout]).toEqual([2, ""]);
  });

  test("with PostgreSQL and no root key nothing starts, and the password of its URL is not shown", async () => {
    const url = "postgres://me:hunter2@127.0.0.1:1/x";
    const keyless = await run(["platform", "start", "--database-url", url, ...dataDir()]);
    expect([keyless.exitCode, keyless.stderr]).toEqual([
      2,
      expect.stringContaining("SALLYPORT_ROOT_KEY_FILE"),
    ]);
    const env = { SALLYPORT_ROOT_KEY: Buffer.alloc(32).toString("base64") };
    const away = await run(["platform", "start", "--database-url", url, ...dataDir()], { env });
    expect([away.exitCode, away.stderr]).toEqual([4, expect.stringContaining("[DATABASE_UNAVAILABLE]")]);
    expect(keyless.stderr + away.stderr).not.toContain("hunter2");
  });

  test("log in by token, manage resources, log out; the profile is 0600 and holds the token alone", async () => {
    const { token } = await bootstrap();
    const { process, url } = await start();
    const login = await run(["login", "--domain", url, "--token-file", "-"], { input: `${token}\n` });
    expect(login.stderr).toContain("as root@example.com, organisation Acme");
    const profile = workspace.join("home", ".config/sallyport/profile.json");
    const found =
      (await Array.fromAsync(new Bun.Glob("**/profile.json").scan({ cwd: home, dot: true })))[0] ?? profile;
    expect((await Bun.file(`${home}/${found}`).stat()).mode & 0o777).toBe(0o600);
    await run(["gateway", "create", "office"]);
    const target = ["--gateway", "office", "--target", "localhost:5432"];
    const created = await run(["resource", "create", "db", ...target, "--json"]);
    expect(created.stderr).toContain("Warning: localhost is the gateway's own machine");
    expect(JSON.parse(created.stdout)).toMatchObject({
      name: "db",
      host: "localhost",
      port: 5432,
      kind: "tcp",
    });
    expect((await run(["resource", "list"])).stdout).toContain("localhost:5432");
    expect((await run(["resource", "delete", "db"])).exitCode).toBe(0);
    expect((await run(["resource", "delete", "db"])).stderr).toContain("[NOT_FOUND]");
    expect(JSON.parse((await run(["resource", "list", "--json"])).stdout)).toEqual([]);
    expect((await run(["logout"])).stderr).toContain("Logged out");
    expect((await run(["resource", "list"])).exitCode).toBe(3);
    process.signal("SIGTERM");
    expect(await process.exited).toBe(0);
  });

  test("a wrong token is refused and leaves no profile", async () => {
    await bootstrap();
    const { url } = await start();
    const login = await run(["login", "--domain", url, "--token-file", "-"], { input: "spt_wrong\n" });
    expect(login.exitCode).toBe(3);
    expect((await run(["logout"])).stderr).toContain("Nobody is logged in here");
  });

  test("O5 no secret reaches the log", async () => {
    const { token, password } = await bootstrap();
    const { process, url } = await start();
    await fetch(`${url}/api/v1/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email: "root@example.com", password }),
    });
    await fetch(`${url}/api/v1/auth/me`, { headers: { authorization: `Bearer ${token}` } });
    process.signal("SIGTERM");
    await process.exited;
    const log = process.stderr.text + process.stdout.text;
    expect(log).not.toContain(token);
    expect(log).not.toContain(password);
  });

  test("an existing data directory keeps its mode", async () => {
    await mkdir(workspace.join("data"), { mode: 0o750 });
    await bootstrap();
    expect((await Bun.file(workspace.join("data")).stat()).mode & 0o777).toBe(0o750);
  });
});
