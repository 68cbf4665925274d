import { expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import {
  type AuthorityRecord,
  createInstanceAuthorities,
  createOrganisationAuthorities,
  exportInstanceAuthorities,
  exportOrganisationAuthorities,
  importInstanceAuthorities,
  importOrganisationAuthorities,
} from "../../../src/pki/hierarchy.ts";
import { generateX509Key } from "../../../src/pki/keys.ts";
import { issueRelayServerLeaf } from "../../../src/pki/leaf-profiles.ts";

const ORG = "6f1c2d3e-0000-4000-8000-000000000001";

for (const x509 of ["ecdsa-p256", "rsa-2048"] as const) {
  const ssh = x509 === "rsa-2048" ? "rsa-2048" : "ed25519";

  test(`${x509} authorities come back from their records and sign as before`, async () => {
    const instance = await createInstanceAuthorities({ x509, ssh });
    const organisation = await createOrganisationAuthorities(instance, { orgId: ORG, x509, ssh });
    const instanceAgain = await importInstanceAuthorities(await exportInstanceAuthorities(instance));
    const records = await exportOrganisationAuthorities(organisation);
    const again = await importOrganisationAuthorities(ORG, records);

    expect(instanceAgain.instanceRelayServer.chainPem).toBe(instance.instanceRelayServer.chainPem);
    expect(instanceAgain.sshServer.publicLine).toBe(instance.sshServer.publicLine);
    expect(again.sshClient.publicLine).toBe(organisation.sshClient.publicLine);
    const { publicKey } = (await generateX509Key(x509)).keyPair;
    const leaf = await issueRelayServerLeaf(again.relayServer, { host: "r", organisation: ORG, publicKey });
    const issuer = new X509Certificate(organisation.relayServer.certificatePem);
    expect(new X509Certificate(leaf.certificate).verify(issuer.publicKey)).toBe(true);
  });
}

test("a record that is missing, or whose key is another's, is refused", async () => {
  const instance = await createInstanceAuthorities();
  const records = await exportInstanceAuthorities(instance);
  const without = records.filter(({ name }) => name !== "root-relay");
  const swapped = records.map((record): AuthorityRecord => {
    const other = records.find(({ name }) => name === "root-relay");
    return record.name === "instance-relay" && other ? { ...record, privateKey: other.privateKey } : record;
  });
  await expect(importInstanceAuthorities(without)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  await expect(importInstanceAuthorities(swapped)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});
