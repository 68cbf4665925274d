import { afterAll, expect, test } from "bun:test";
import { readGatewayDirectory, readRelayDirectory } from "../../../src/pki/directory.ts";
import { dropRetired, rotate } from "../../../src/pki/offline/rotate.ts";
import { parseSshCertificateLine } from "../../../src/pki/ssh-certificate.ts";
import { makeOfflineCa } from "../../support/offline-ca.ts";
import { verifyX509 } from "../../support/openssl.ts";
import { Workspace } from "../../support/workspace.ts";

const workspace = await Workspace.open("rotation");
afterAll(() => workspace.close());

async function verifies(leaf: string, bundle: string, purpose: string): Promise<boolean> {
  return (await verifyX509(workspace, leaf, bundle, ["-purpose", purpose])).exitCode === 0;
}

const sshTrusts = (certificate: string, lines: string[]) =>
  lines.some((line) => line.includes(parseSshCertificateLine(certificate).authorityBlob.toString("base64")));

test("F7 old and new certificates work together from a rotation until the old authorities are dropped", async () => {
  const ca = await makeOfflineCa(workspace, "overlap");
  const minutes = (count: number) => new Date(Date.now() + count * 60_000);
  const relay = await ca.relay("relay-a");
  const gateway = await ca.gateway("gateway-a");
  const before = {
    relay: await readRelayDirectory(relay.directory),
    gateway: await readGatewayDirectory(gateway.directory),
  };

  const rotated = await ca.desk(rotate, minutes(1));
  expect(rotated.outdated.map(({ name }) => name)).toEqual(["relay-a", "gateway-a"]);
  expect(rotated.updated.map(({ name }) => name)).toEqual(["relay-a", "gateway-a"]);

  const early = ca.desk(dropRetired, minutes(2));
  await expect(early).rejects.toThrow("still valid (relay relay-a, gateway gateway-a)");

  await ca.relay("relay-a", {}, minutes(3));
  const client = await ca.client({}, minutes(3));
  const bundles = (name: string) => Bun.file(`${client.directory}/${name}`).text();
  const newRelay = await readRelayDirectory(relay.directory);
  const oldGateway = await readGatewayDirectory(gateway.directory);
  // The gateway has not been issued again, yet knows both authorities, and so do relay and client.
  expect(oldGateway.tls.certificate).toBe(before.gateway.tls.certificate);
  expect(sshTrusts(newRelay.ssh.host.certificate, oldGateway.relays[0]?.hostAuthorities ?? [])).toBe(true);
  expect(sshTrusts(before.relay.ssh.host.certificate, oldGateway.relays[0]?.hostAuthorities ?? [])).toBe(
    true,
  );
  expect(sshTrusts(oldGateway.relays[0]?.ssh.certificate ?? "", newRelay.ssh.userAuthorities)).toBe(true);
  expect(
    await verifies(before.relay.tls.certificate, await bundles("relay-authorities.pem"), "sslserver"),
  ).toBe(true);
  expect(await verifies(newRelay.tls.certificate, await bundles("relay-authorities.pem"), "sslserver")).toBe(
    true,
  );
  expect(
    await verifies(oldGateway.tls.certificate, await bundles("gateway-authorities.pem"), "sslserver"),
  ).toBe(true);
  expect(
    await verifies(await bundles("gateway-certificate.pem"), oldGateway.tls.clientAuthorities, "sslclient"),
  ).toBe(true);
  expect(
    await verifies(await bundles("relay-certificate.pem"), newRelay.tls.clientAuthorities, "sslclient"),
  ).toBe(true);

  await ca.gateway("gateway-a", {}, minutes(4));
  await ca.desk(dropRetired, minutes(5));
  const after = await readGatewayDirectory(gateway.directory);
  expect(sshTrusts(before.relay.ssh.host.certificate, after.relays[0]?.hostAuthorities ?? [])).toBe(false);
  expect(sshTrusts(newRelay.ssh.host.certificate, after.relays[0]?.hostAuthorities ?? [])).toBe(true);
  expect(
    await verifies(before.relay.tls.certificate, await bundles("relay-authorities.pem"), "sslserver"),
  ).toBe(false);
  expect(await verifies(newRelay.tls.certificate, await bundles("relay-authorities.pem"), "sslserver")).toBe(
    true,
  );
  await expect(ca.desk(dropRetired)).rejects.toMatchObject({ code: "NOT_FOUND" });
});
