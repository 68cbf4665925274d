import { expect, test } from "bun:test";
import { DistrustedAuthorities } from "../../../src/pki/distrust.ts";
import { authorityFingerprint, bundleFingerprints } from "../../../src/pki/fingerprint.ts";
import { TrustBundle } from "../../../src/tunnel/tls/trust-bundle.ts";
import { RelayLab } from "../../support/relay.ts";

const lab = await RelayLab.create();
const neighbour = await RelayLab.create({ neighbourOf: lab });

test("credentials that trust none of them stay the very same", async () => {
  const distrusted = new DistrustedAuthorities();
  distrusted.add([authorityFingerprint(neighbour.organisation.relayClient)]);
  const credentials = await lab.relayCredentials();
  expect(await distrusted.relay(credentials)).toBe(credentials);
});

test("what is below a distrusted authority goes with it, what is beside it stays", async () => {
  const distrusted = new DistrustedAuthorities();
  const credentials = await lab.relayCredentials();
  const both = credentials.tls.clientAuthorities + neighbour.organisation.relayClient.chainPem;
  const tls = { ...credentials.tls, clientAuthorities: both };
  distrusted.add([authorityFingerprint(lab.organisation.relayClient)]);
  const one = await distrusted.relay({ ...credentials, tls });
  expect(bundleFingerprints(one.tls.clientAuthorities)).not.toContain(
    authorityFingerprint(lab.organisation.relayClient),
  );
  expect(bundleFingerprints(one.tls.clientAuthorities)).toContain(
    authorityFingerprint(neighbour.organisation.relayClient),
  );
  // Their common root: nobody is left, and an intermediate is not taken for a root.
  distrusted.add([authorityFingerprint(lab.instance.rootRelay)]);
  const none = await distrusted.relay({ ...credentials, tls });
  const [left, ...more] = bundleFingerprints(none.tls.clientAuthorities);
  expect(more).toEqual([]);
  expect(bundleFingerprints(both)).not.toContain(left ?? "");
  const client = await lab.client(crypto.randomUUID());
  const der = Buffer.from(client.identity.certificate.replace(/-----[^-]+-----|\s/g, ""), "base64");
  const bundle = TrustBundle.parse(none.tls.clientAuthorities);
  expect(() => bundle.verify(der, "client", new Date())).toThrow("none of the authorities we trust");
});

test("an SSH authority goes, and the others stay in their order", async () => {
  const distrusted = new DistrustedAuthorities();
  const credentials = await lab.relayCredentials();
  const lines = [neighbour, lab].map(({ organisation }) => organisation.sshClient.publicLine);
  const ssh = { ...credentials.ssh, userAuthorities: lines };
  distrusted.add([authorityFingerprint(lab.organisation.sshClient)]);
  expect((await distrusted.relay({ ...credentials, ssh })).ssh.userAuthorities).toEqual(lines.slice(0, 1));
});
