import { afterAll, describe, expect, test } from "bun:test";
import { chmod, cp, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createCertificateRequest } from "../../../src/pki/csr.ts";
import { readClientDirectory, readGatewayDirectory, readRelayDirectory } from "../../../src/pki/directory.ts";
import { generateX509Key } from "../../../src/pki/keys.ts";
import { atDesk } from "../../../src/pki/offline/desk.ts";
import { initAuthority } from "../../../src/pki/offline/init.ts";
import { extensionText, parseSshCertificateLine } from "../../../src/pki/ssh-certificate.ts";
import { generateSshKey } from "../../../src/pki/ssh-keys.ts";
import { isPrivate, makeOfflineCa } from "../../support/offline-ca.ts";
import { Workspace } from "../../support/workspace.ts";

const workspace = await Workspace.open("offline");
afterAll(() => workspace.close());
const ca = await makeOfflineCa(workspace, "main");
const relay = await ca.relay("relay-a", { host: "relay.example.com", sshPort: 443, tlsPort: 444 });
const gateway = await ca.gateway("gateway-a");
const client = await ca.client();

/** A copy of an issued directory to damage. */
async function copyOf(directory: string, name: string): Promise<string> {
  const path = workspace.join(name);
  await rm(path, { recursive: true, force: true });
  await cp(directory, path, { recursive: true });
  return path;
}

describe("a CA in a directory", () => {
  test("never overwrites another one", async () => {
    const before = await Bun.file(join(ca.directory, "authority.json")).text();
    const again = initAuthority(
      { directory: ca.directory, env: {} },
      { orgName: "x", keyType: "ecdsa-p256" },
    );
    await expect(again).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    expect(await Bun.file(join(ca.directory, "authority.json")).text()).toBe(before);
  });

  test("is not made among other files, whose directory keeps its mode", async () => {
    const directory = await workspace.directory("others");
    await workspace.file("others/notes.txt", "mine");
    await chmod(directory, 0o755);
    const made = initAuthority({ directory, env: {} }, { orgName: "x", keyType: "ecdsa-p256" });
    await expect(made).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    expect((await stat(directory)).mode & 0o777).toBe(0o755);
  });

  test("keeps its files to its owner and its private keys sealed", async () => {
    const text = await Bun.file(join(ca.directory, "authority.json")).text();
    expect(await isPrivate(ca.directory)).toBe(true);
    expect((await stat(`${ca.directory}.key`)).mode & 0o777).toBe(0o600);
    expect(text).not.toContain("PRIVATE KEY");
    const { keyPem, der } = await ca.desk(async (desk) => ({
      keyPem: desk.ca.organisation.sshClient.privateKey,
      der: Buffer.from(await desk.ca.instance.rootRelay.privateKeyDer()),
    }));
    expect(text).not.toContain(Buffer.from(keyPem).toString("base64").slice(0, 40));
    expect(text).not.toContain(der.toString("base64").slice(0, 40));
  });

  test("does not open with another key, without one, or with its sealed keys exchanged", async () => {
    const directory = await copyOf(ca.directory, "moved/ca");
    const open = (env: Record<string, string>) => atDesk({ directory, env }, async () => "opened");
    const key = (await Bun.file(`${ca.directory}.key`).text()).trim();
    await expect(open({})).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(open({ SALLYPORT_CA_KEY: "short" })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    const other = Buffer.alloc(32, 7).toString("base64");
    await expect(open({ SALLYPORT_CA_KEY: other })).rejects.toMatchObject({ code: "ROOT_KEY_MISMATCH" });
    expect(await open({ SALLYPORT_CA_KEY: key })).toBe("opened");

    const file = join(directory, "authority.json");
    const stored = await Bun.file(file).json();
    const [first, second] = stored.instance;
    [first.privateKey, second.privateKey] = [second.privateKey, first.privateKey];
    await writeFile(file, JSON.stringify(stored));
    await expect(open({ SALLYPORT_CA_KEY: key })).rejects.toMatchObject({ code: "ROOT_KEY_MISMATCH" });
  });

  for (const orgName of ["", " ", "a\nb", "a\u202eb", "x".repeat(65)]) {
    test(`B4 is not made for an organisation called ${JSON.stringify(orgName.slice(0, 10))}`, async () => {
      const made = initAuthority(
        { directory: workspace.join("b4"), env: {} },
        { orgName, keyType: "ecdsa-p256" },
      );
      await expect(made).rejects.toMatchObject({ code: "USAGE" });
    });
  }
});

describe("what it issues", () => {
  test("a relay runs with", async () => {
    expect(await isPrivate(relay.directory)).toBe(true);
    const read = await readRelayDirectory(relay.directory);
    expect(read).toMatchObject({
      relayName: "relay-a",
      host: "relay.example.com",
      sshPort: 443,
      tlsPort: 444,
    });
    expect(read.relayId).toBe(relay.identity.relayId);
    expect(parseSshCertificateLine(read.ssh.host.certificate).principals).toEqual([
      "relay.example.com:2222",
      "relay.example.com:443",
    ]);
    expect(read.ssh.userAuthorities).toHaveLength(1);
  });

  test("a gateway runs with", async () => {
    expect(await isPrivate(gateway.directory)).toBe(true);
    const read = await readGatewayDirectory(gateway.directory);
    expect(read).toMatchObject({ gatewayName: "gateway-a", gatewayId: gateway.identity.gatewayId });
    expect(read.relays).toMatchObject([{ relayName: "relay-a", host: "relay.example.com", sshPort: 443 }]);
    const certificate = parseSshCertificateLine(read.relays[0]?.ssh.certificate ?? "");
    expect(certificate.keyId).toBe("client-relay-a");
    expect(certificate.principals).toEqual([gateway.identity.gatewayId, "gateway-a"]);
    expect(extensionText(certificate, "org@sallyport")).toBe(gateway.identity.orgId);
    expect(extensionText(certificate, "generation@sallyport")).toBe("1");
  });

  test("a client dials with", async () => {
    expect(await isPrivate(client.directory)).toBe(true);
    expect(await readClientDirectory(client.directory)).toMatchObject({
      gatewayId: gateway.identity.gatewayId,
      relayHost: "relay.example.com",
      relayPort: 444,
      target: { host: "db.internal", port: 5432 },
      requireGatewayUri: true,
    });
  });

  test("keeps a relay's id and a gateway's id when issued again, the gateway in its next generation", async () => {
    const again = await makeOfflineCa(workspace, "again");
    const first = await again.relay("relay-a");
    expect((await again.relay("relay-a")).identity.relayId).toBe(first.identity.relayId);
    const { gatewayId } = (await again.gateway("gateway-a")).identity;
    const renewed = await again.gateway("gateway-a");
    expect(renewed.identity.gatewayId).toBe(gatewayId);
    const { relays } = await readGatewayDirectory(renewed.directory);
    const certificate = parseSshCertificateLine(relays[0]?.ssh.certificate ?? "");
    expect(extensionText(certificate, "generation@sallyport")).toBe("2");
  });

  test("F16 is no finished directory when any of its files can't be written, and can be revoked all the same", async () => {
    const names = [...new Bun.Glob("*").scanSync(gateway.directory)].filter(
      (name) => name !== "identity.json",
    );
    for (const name of names) {
      const out = await workspace.directory("blocked");
      await workspace.directory(`blocked/${name}`);
      await expect(ca.gateway("gateway-b", { out })).rejects.toMatchObject({ code: "FILE_UNWRITABLE" });
      await expect(readGatewayDirectory(out)).rejects.toThrow("has no identity.json");
      await rm(out, { recursive: true });
    }
    const certificates = await ca.desk(
      async ({ ledger }) => ledger.gateways.find((entry) => entry.name === "gateway-b")?.certificates,
    );
    expect(certificates).toHaveLength(2 * names.length);
  });

  test("does not go into another holder's directory or among other files", async () => {
    await expect(ca.relay("relay-b", { out: relay.directory })).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
    });
    await expect(ca.gateway("gateway-b", { out: relay.directory })).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
    });
    await expect(ca.relay("relay-b", { out: ca.directory })).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
    });
    expect((await readRelayDirectory(relay.directory)).relayName).toBe("relay-a");
  });

  test("for keys that stay home holds no private key, and works with the right one only", async () => {
    const out = await workspace.directory("home");
    const tls = await generateX509Key();
    const ssh = await generateSshKey();
    const issued = await ca.relay("relay-home", {
      out,
      csr: await createCertificateRequest(tls.keyPair),
      sshPublicKey: `${ssh.publicLine} me@home\n`,
    });
    expect(issued.missingKeys).toEqual(["tls-key.pem", "ssh-host-key"]);
    await expect(readRelayDirectory(out)).rejects.toThrow(
      "tls-key.pem is missing: put the private key there",
    );
    await writeFile(join(out, "tls-key.pem"), (await generateX509Key()).privateKeyPem);
    await writeFile(join(out, "ssh-host-key"), ssh.privateKey);
    await expect(readRelayDirectory(out)).rejects.toThrow(
      "tls-key.pem is not the key of tls-certificate.pem",
    );
    await writeFile(join(out, "tls-key.pem"), tls.privateKeyPem);
    expect((await readRelayDirectory(out)).relayName).toBe("relay-home");
    await writeFile(join(out, "ssh-host-key"), (await generateSshKey()).privateKey);
    await expect(readRelayDirectory(out)).rejects.toThrow(
      "ssh-host-key is not the key of ssh-host-certificate.pub",
    );
  });
});

describe("an issued directory", () => {
  const issued = { relay, gateway, client };
  const readers = { relay: readRelayDirectory, gateway: readGatewayDirectory, client: readClientDirectory };

  for (const role of ["relay", "gateway", "client"] as const) {
    test(`of a ${role} with any file missing or damaged is refused, and the file is named`, async () => {
      const names = [...new Bun.Glob("*").scanSync(issued[role].directory)].filter(
        (name) => name !== "revoked.json" && !/authorities/.test(name),
      );
      expect(names.length).toBeGreaterThan(4);
      for (const name of names) {
        const directory = await copyOf(issued[role].directory, "damaged");
        await writeFile(join(directory, name), "{}");
        await expect(readers[role](directory)).rejects.toThrow(join(directory, name));
        await rm(join(directory, name));
        const missing =
          name === "identity.json" ? "has no identity.json" : `${join(directory, name)} is missing`;
        await expect(readers[role](directory)).rejects.toThrow(missing);
      }
    });

    test(`of a ${role} is refused once it has expired`, async () => {
      const later = new Date(Date.now() + 31 * 86_400_000);
      await expect(readers[role](issued[role].directory, later)).rejects.toThrow("expired at");
    });

    test(`of a ${role} is not taken for another role's`, async () => {
      for (const other of ["relay", "gateway", "client"] as const) {
        if (other === role) continue;
        const read = readers[other](issued[role].directory);
        await expect(read).rejects.toThrow(`belongs to a ${role}, not to a ${other}`);
      }
    });
  }
});
