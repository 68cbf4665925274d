import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdir, stat } from "node:fs/promises";
import { type Finished, mustRun, runProduct } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

/** Each test runs the product several times, on a machine that may be busy. */
setDefaultTimeout(60_000);
const workspace = await Workspace.open("ca");
afterAll(() => workspace.close());

const ca = (...args: string[]): Promise<Finished> => runProduct(["ca", ...args], { home: workspace.path });

async function json(...args: string[]) {
  const { exitCode, stdout, stderr } = await ca(...args, "--json");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return JSON.parse(stdout);
}

const made = await json("init", "--org", "acme");
const relay = await json(
  "issue",
  "relay",
  "relay-a",
  "--host",
  "Relay.example.com",
  "--out",
  "relay-a",
  "--ttl",
  "90m",
);
const gateway = await json(
  "issue",
  "gateway",
  "gateway-a",
  "--relay-host",
  "relay.example.com",
  "--out",
  "gateway-a",
);
const client = await json(
  "issue",
  "client",
  "--gateway",
  "gateway-a",
  "--target",
  "db:5432",
  "--out",
  "client",
);

describe("sallyport ca", () => {
  test("init makes a CA in ./ca with its key beside it, says what is next, and never overwrites", async () => {
    expect(made).toMatchObject({
      directory: workspace.join("ca"),
      keyFile: workspace.join("ca.key"),
      orgName: "acme",
    });
    const again = await ca("init", "--org", "acme");
    expect(again).toMatchObject({ exitCode: 1, stdout: "" });
    expect(again.stderr).toContain("[ALREADY_EXISTS]");
    const other = await ca("init", "--dir", "rsa", "--org", "acme", "--key-type", "rsa-2048");
    expect(other.exitCode).toBe(0);
    expect(other.stdout).toContain(`sallyport ca issue relay relay-1 --dir ${workspace.join("rsa")}`);
    const issued = await json(
      "issue",
      "relay",
      "r",
      "--dir",
      "rsa",
      "--host",
      "r.example",
      "--out",
      "rsa-relay",
    );
    const text = await mustRun([
      "openssl",
      "x509",
      "-in",
      `${issued.directory}/tls-certificate.pem`,
      "-noout",
      "-text",
    ]);
    expect(text).toContain("Public-Key: (2048 bit)");
    const shown = await mustRun(["ssh-keygen", "-L", "-f", `${issued.directory}/ssh-host-certificate.pub`]);
    expect(shown).toContain("ssh-rsa-cert-v01@openssh.com host certificate");
    expect(shown).toMatch(/Signing CA: RSA .* \(using rsa-sha2-(256|512)\)/);
  });

  test("issue writes directories that OpenSSL and OpenSSH read, valid for the time asked", async () => {
    expect(relay.identity).toMatchObject({ host: "relay.example.com", sshPort: 2222, tlsPort: 8443 });
    const life = Date.parse(relay.identity.expiresAt) - Date.now();
    expect(Math.round(life / 60_000)).toBe(90);
    expect(Math.round((Date.parse(client.identity.expiresAt) - Date.now()) / 60_000)).toBe(60);
    expect((await stat(relay.directory)).mode & 0o777).toBe(0o700);
    for (const [directory, leaf, bundle, purpose] of [
      ["client", "relay-certificate.pem", "relay-a/client-authorities.pem", "sslclient"],
      ["client", "gateway-certificate.pem", "gateway-a/client-authorities.pem", "sslclient"],
      ["relay-a", "tls-certificate.pem", "client/relay-authorities.pem", "sslserver"],
      ["gateway-a", "tls-certificate.pem", "client/gateway-authorities.pem", "sslserver"],
    ] as const) {
      const files = [workspace.join(bundle), workspace.join(directory, leaf)] as const;
      await mustRun(["openssl", "verify", "-purpose", purpose, "-no-CApath", "-CAfile", ...files]);
    }
    const certificate = workspace.join("gateway-a/ssh-certificate-relay-a.pub");
    const shown = await mustRun(["ssh-keygen", "-L", "-f", certificate]);
    expect(shown).toContain('Key ID: "client-relay-a"');
    expect(shown).toContain(gateway.identity.gatewayId);
  });

  test("issue keeps keys home: requests by openssl and ssh-keygen go in, no private key comes out", async () => {
    const home = await workspace.directory("home");
    const newkey = ["-newkey", "rsa:2048", "-nodes", "-keyout", "tls-key.pem", "-subj", "/CN=anything"];
    await mustRun(["openssl", "req", "-new", ...newkey, "-out", "tls.csr"], { cwd: home });
    await mustRun(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", "ssh-key"], { cwd: home });
    const keys = ["--csr", "home/tls.csr", "--ssh-public-key", "home/ssh-key.pub"];
    const gatewayArgs = ["issue", "gateway", "gateway-home", "--relay", "relay-a", "--out", "home"];
    const issued = await json(...gatewayArgs, ...keys);
    expect(issued.missingKeys).toEqual([]);
    const clientArgs = [
      "issue",
      "client",
      "--gateway",
      "gateway-home",
      "--target",
      "[::1]:22",
      "--out",
      "away",
    ];
    expect((await json(...clientArgs, "--csr", "home/tls.csr")).missingKeys).toEqual([
      "relay-key.pem",
      "gateway-key.pem",
    ]);
    expect(await readdir(workspace.join("away"))).not.toContain("relay-key.pem");
  });

  test("show lists what was issued and nothing secret", async () => {
    const summary = await json("show");
    expect(summary.issued.map(({ role, name }: { role: string; name: string }) => `${role} ${name}`)).toEqual(
      expect.arrayContaining(["relay relay-a", "gateway gateway-a", "client gateway-a"]),
    );
    expect(JSON.stringify(summary)).not.toContain("PRIVATE");
    const { stdout } = await ca("show");
    expect(stdout).toContain(relay.serials[0]);
    expect(stdout).toContain("Infisical Gateway Root CA");
  });

  test("export writes the trust anchors that others need", async () => {
    const { files } = await json("export", "--out", "anchors");
    expect(files).toHaveLength(6);
    const bundle = workspace.join("anchors/relay-server-authorities.pem");
    await mustRun(["openssl", "verify", "-CAfile", bundle, workspace.join("relay-a/tls-certificate.pem")]);
    const { stdout } = await ca("export");
    expect(stdout).toContain("# ssh-host-authorities.pub\nssh-ed25519 ");
    expect(stdout).not.toContain("PRIVATE");
  });

  test("rotate and revoke say where the new files went", async () => {
    const dir = ["--dir", "second"];
    await json("init", ...dir, "--org", "second");
    await json("issue", "relay", "r", ...dir, "--host", "192.0.2.1", "--out", "second-r");
    await json("issue", "gateway", "g", ...dir, "--relay", "r", "--out", "second-g");
    const rotated = await ca("rotate", ...dir);
    expect(rotated.stdout).toContain(`Updated relay r in ${workspace.join("second-r")}`);
    expect(rotated.stdout).toContain(`Issue again: gateway g in ${workspace.join("second-g")}`);
    const early = await ca("rotate", "--drop-old", ...dir);
    expect(early).toMatchObject({ exitCode: 1 });
    expect(early.stderr).toContain("issue these directories again or revoke them first");
    const revoked = await ca("revoke", "gateway", "g", ...dir);
    expect(revoked.stdout).toContain(`Updated relay r in ${workspace.join("second-r")}`);
    expect(await Bun.file(workspace.join("second-r/revoked.json")).json()).toMatchObject({ version: 1 });
  });

  test("commands at the same time lose none of each other's entries", async () => {
    await json("init", "--dir", "busy", "--org", "busy");
    const names = ["r1", "r2", "r3"];
    const issue = (name: string) =>
      json("issue", "relay", name, "--dir", "busy", "--host", `${name}.example`, "--out", name);
    await Promise.all(names.map(issue));
    const { issued } = await json("show", "--dir", "busy");
    expect(issued.map(({ name }: { name: string }) => name).toSorted()).toEqual(names);
  });
});

describe("wrong input ends with exit code 2 and one sentence, before anything is written:", () => {
  const relayArgs = ["issue", "relay", "r", "--host", "r.example", "--out", "never"];
  const clientArgs = ["issue", "client", "--gateway", "gateway-a", "--target", "db:1", "--out", "never"];
  const instead = (args: string[], flag: string, value: string) =>
    args.map((arg, index) => (args[index - 1] === flag ? value : arg));

  for (const [args, code] of [
    [["init"], "USAGE"],
    [["init", "--dir", "never", "--org", ""], "USAGE"],
    [["init", "--dir", "never", "--org", "x", "--key-type", "dsa"], "USAGE"],
    [["issue"], "USAGE"],
    [["issue", "relay", "r", "--host", "r.example"], "USAGE"],
    [instead(relayArgs, "--host", "https://r.example"), "USAGE"],
    [instead(relayArgs, "--host", "a\nb"), "USAGE"],
    [[...relayArgs, "--ssh-port", "0"], "USAGE"],
    [[...relayArgs, "--tls-port", "http"], "USAGE"],
    [[...relayArgs, "--ttl", "forever"], "USAGE"],
    [[...relayArgs, "--csr", "nowhere.csr"], "FILE_UNREADABLE"],
    [[...relayArgs, "--csr", "ca/authority.json"], "CONFIG_INVALID"],
    [[...relayArgs, "--ssh-public-key", "ca.key"], "CONFIG_INVALID"],
    [[...relayArgs, "--key-file", "ca/authority.json"], "FILE_UNREADABLE"],
    [[...relayArgs, "--colour"], "USAGE"],
    [["issue", "gateway", "g", "--out", "never"], "USAGE"],
    [["issue", "gateway", "g", "--relay-host", "r:x", "--out", "never"], "USAGE"],
    [instead(clientArgs, "--target", "db"), "USAGE"],
    [instead(clientArgs, "--target", "db:0"), "USAGE"],
    [instead(clientArgs, "--target", "d\u001bb:1"), "USAGE"],
    [["revoke", "everything", "x"], "USAGE"],
    [["rotate", "--drop-old=maybe"], "USAGE"],
  ] as const) {
    test(`${code} for ca ${JSON.stringify(args.join(" ")).slice(1, -1)}`, async () => {
      const { exitCode, stdout, stderr } = await ca(...args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).toContain(`[${code}]`);
      expect(stderr.trim().split("\n")).toHaveLength(1);
      expect(await readdir(workspace.path)).not.toContain("never");
    });
  }

  for (const name of ["../x", ".", "a".repeat(256), "ssh_", "a\nb", "$(x)", "%n", "a\u202eb", "-"]) {
    test(`B4 ${JSON.stringify(name.slice(0, 12))} is no name of a relay`, async () => {
      const { exitCode, stderr } = await ca(...relayArgs.filter((arg) => arg !== "r"), "--", name);
      expect(exitCode).toBe(2);
      expect(stderr).toContain("[NAME_INVALID]");
    });
  }

  test("B4 nor is a path the name of a gateway, anywhere", async () => {
    for (const args of [
      ["issue", "gateway", "../x", "--relay", "relay-a", "--out", "never"],
      ["issue", "gateway", "g", "--relay", "../x", "--out", "never"],
      instead(clientArgs, "--gateway", "../x"),
    ]) {
      const { exitCode, stderr } = await ca(...args);
      expect(exitCode).toBe(2);
      expect(stderr).toContain("[NAME_INVALID]");
    }
  });
});
