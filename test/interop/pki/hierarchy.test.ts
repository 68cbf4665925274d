import { afterAll, describe, expect, test } from "bun:test";
import { OID } from "../../../src/pki/extensions.ts";
import { createInstanceAuthorities, createOrganisationAuthorities } from "../../../src/pki/hierarchy.ts";
import { generateX509Key } from "../../../src/pki/keys.ts";
import {
  issueGatewayClientLeaf,
  issueGatewayServerLeaf,
  issueRelayClientLeaf,
  issueRelayServerLeaf,
} from "../../../src/pki/leaf-profiles.ts";
import type { X509Authority } from "../../../src/pki/x509-authority.ts";
import { showX509, verifyX509 } from "../../support/openssl.ts";
import { Workspace } from "../../support/workspace.ts";

const ORG = "6f1c2d3e-0000-4000-8000-000000000001";
const GATEWAY = "6f1c2d3e-0000-4000-8000-000000000002";
const HEARTBEAT = "00000000-0000-0000-0000-000000000000";
const NOW = new Date(Math.floor(Date.now() / 1000) * 1000);
const MINUTE = 60_000;

const workspace = await Workspace.open("pki");
afterAll(() => workspace.close());

for (const algorithm of ["ecdsa-p256", "rsa-2048"] as const) {
  const keys = { x509: algorithm, now: NOW };
  const instance = await createInstanceAuthorities(keys);
  const organisation = await createOrganisationAuthorities(instance, { ...keys, orgId: ORG });
  const { publicKey } = (await generateX509Key(algorithm)).keyPair;
  const algorithms =
    algorithm === "rsa-2048"
      ? { keyAlgorithm: "rsaEncryption", signatureAlgorithm: "sha256WithRSAEncryption" }
      : { keyAlgorithm: "id-ecPublicKey", signatureAlgorithm: "ecdsa-with-SHA256" };

  describe(`PROTOCOL C.1 and C.2 with ${algorithm}:`, () => {
    const rows: [X509Authority, string, string, X509Authority | null, number | null, number][] = [
      [instance.rootRelay, "Infisical", "Infisical Instance Root Relay CA", null, null, 1],
      [instance.organisationRelay, "Infisical", "Infisical Organization Relay CA", instance.rootRelay, 2, 2],
      [instance.instanceRelay, "Infisical", "Infisical Instance Relay CA", instance.rootRelay, 1, 2],
      [
        instance.instanceRelayClient,
        "Infisical",
        "Infisical Instance Relay Client CA",
        instance.instanceRelay,
        0,
        3,
      ],
      [
        instance.instanceRelayServer,
        "Infisical",
        "Infisical Instance Relay Server CA",
        instance.instanceRelay,
        0,
        3,
      ],
      [organisation.relayClient, ORG, "Infisical Org Relay Client CA", instance.organisationRelay, 0, 3],
      [organisation.relayServer, ORG, "Infisical Org Relay Server CA", instance.organisationRelay, 0, 3],
      [organisation.gatewayRoot, ORG, "Infisical Gateway Root CA", null, null, 1],
      [organisation.gatewayServer, ORG, "Infisical Gateway Server CA", organisation.gatewayRoot, 0, 2],
      [organisation.gatewayClient, ORG, "Infisical Gateway Client CA", organisation.gatewayRoot, 0, 2],
    ];

    for (const [authority, o, commonName, issuer, pathLength, chainLength] of rows) {
      test(commonName, async () => {
        const shown = await showX509(authority.certificatePem);
        const { extensions } = shown;
        expect(authority.name).toBe(commonName);
        expect(shown).toMatchObject({ subject: [`O=${o}`, `CN=${commonName}`], ...algorithms });
        expect(shown.issuer.at(-1)).toBe(`CN=${issuer?.name ?? commonName}`);
        expect(shown.notBefore).toEqual(new Date(NOW.getTime() - 5 * MINUTE));
        expect(shown.notAfter.toISOString().slice(0, 10)).toBe(`2045-${NOW.toISOString().slice(5, 10)}`);
        expect(extensions.get("X509v3 Basic Constraints")).toEqual({
          critical: true,
          value: pathLength === null ? "CA:TRUE" : `CA:TRUE, pathlen:${pathLength}`,
        });
        expect(extensions.get("X509v3 Key Usage")).toEqual({
          critical: true,
          value: issuer
            ? "Digital Signature, Key Encipherment, Certificate Sign, CRL Sign"
            : "Certificate Sign, CRL Sign",
        });
        const signer = await showX509((issuer ?? authority).certificatePem);
        expect(extensions.get("X509v3 Authority Key Identifier")?.value).toBe(
          signer.extensions.get("X509v3 Subject Key Identifier")?.value ?? "missing",
        );
        expect(extensions.size).toBe(4);
        expect(authority.chainPem.match(/BEGIN/g)).toHaveLength(chainLength);
        const verdict = await verifyX509(workspace, authority.certificatePem, authority.chainPem, [
          "-x509_strict",
        ]);
        expect(verdict.stderr + verdict.stdout).toContain("OK");
      });
    }
  });

  describe(`PROTOCOL C.3 with ${algorithm}:`, () => {
    const common = { publicKey, now: NOW };
    const actor = { type: "platform" };
    const rows = [
      {
        name: "relay server TLS by DNS name",
        issuer: organisation.relayServer,
        leaf: issueRelayServerLeaf(organisation.relayServer, {
          ...common,
          host: "relay.example.com",
          organisation: ORG,
        }),
        subject: ["CN=relay.example.com", `O=${ORG}`, "OU=Relay"],
        names: "DNS:relay.example.com",
        minutes: 24 * 60,
      },
      {
        name: "relay server TLS of an instance relay by IPv4",
        issuer: instance.instanceRelayServer,
        leaf: issueRelayServerLeaf(instance.instanceRelayServer, {
          ...common,
          host: "192.0.2.7",
          organisation: "Infisical",
        }),
        subject: ["CN=192.0.2.7", "O=Infisical", "OU=Relay"],
        names: "IP Address:192.0.2.7",
        minutes: 24 * 60,
      },
      {
        name: "relay server TLS by IPv6 in brackets",
        issuer: organisation.relayServer,
        leaf: issueRelayServerLeaf(organisation.relayServer, {
          ...common,
          host: "[2001:db8::7]",
          organisation: ORG,
        }),
        subject: ["CN=2001:db8::7", `O=${ORG}`, "OU=Relay"],
        names: "IP Address:2001:DB8:0:0:0:0:0:7",
        minutes: 24 * 60,
      },
      {
        name: "relay client",
        issuer: organisation.relayClient,
        leaf: issueRelayClientLeaf(organisation.relayClient, {
          ...common,
          gatewayId: GATEWAY,
          gatewayName: "office",
          orgId: ORG,
          orgName: "acme",
        }),
        subject: [`O=acme-${ORG}`, "OU=relay-client", `CN=${GATEWAY}`],
        custom: { [OID.gateway]: { name: "office" } },
        minutes: 5,
      },
      {
        name: "relay client of the heartbeat",
        issuer: instance.instanceRelayClient,
        leaf: issueRelayClientLeaf(instance.instanceRelayClient, {
          ...common,
          gatewayId: HEARTBEAT,
          gatewayName: "heartbeat",
          orgId: HEARTBEAT,
          orgName: "heartbeat",
          ttlSeconds: 60,
        }),
        subject: [`O=heartbeat-${HEARTBEAT}`, "OU=relay-client", `CN=${HEARTBEAT}`],
        custom: { [OID.gateway]: { name: "heartbeat" } },
        minutes: 1,
      },
      {
        name: "gateway server",
        issuer: organisation.gatewayServer,
        leaf: issueGatewayServerLeaf(organisation.gatewayServer, {
          ...common,
          orgId: ORG,
          gatewayId: GATEWAY,
        }),
        subject: [`O=${ORG}`, "CN=Gateway"],
        names: `DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, URI:spiffe://sallyport/gateway/${GATEWAY}`,
        minutes: 24 * 60,
      },
      {
        name: "gateway client of the platform",
        issuer: organisation.gatewayClient,
        leaf: issueGatewayClientLeaf(organisation.gatewayClient, {
          ...common,
          orgId: ORG,
          gatewayId: GATEWAY,
          actor,
          target: { host: "db.internal", port: 5432 },
        }),
        subject: [`O=${ORG}`, "OU=gateway-client", `CN=platform:${GATEWAY}`],
        custom: { [OID.routing]: { targetHost: "db.internal", targetPort: 5432 }, [OID.actor]: actor },
        minutes: 5,
      },
      {
        name: "gateway client of a person with a grant",
        issuer: organisation.gatewayClient,
        leaf: issueGatewayClientLeaf(organisation.gatewayClient, {
          ...common,
          orgId: ORG,
          gatewayId: GATEWAY,
          actor: { type: "user", id: "u1", name: "ada" },
          target: { host: "10.0.0.1", port: 22 },
          grant: { grantId: "g1", sessionEndsAt: "2030-01-01T00:00:00Z" },
          ttlSeconds: 3600,
        }),
        subject: [`O=${ORG}`, "OU=gateway-client", `CN=user:${GATEWAY}`],
        custom: {
          [OID.routing]: { targetHost: "10.0.0.1", targetPort: 22 },
          [OID.actor]: { type: "user", id: "u1", name: "ada" },
          [OID.grant]: { grantId: "g1", sessionEndsAt: "2030-01-01T00:00:00Z" },
        },
        minutes: 60,
      },
    ];

    for (const row of rows) {
      test(row.name, async () => {
        const leaf = await row.leaf;
        const shown = await showX509(leaf.certificate);
        const { extensions } = shown;
        const isServer = row.names !== undefined;
        expect(shown).toMatchObject({ subject: row.subject, ...algorithms });
        expect(shown.issuer.at(-1)).toBe(`CN=${row.issuer.name}`);
        expect(shown.serial.replace(/^0+/, "")).toBe(leaf.serial);
        expect(shown.notBefore).toEqual(new Date(NOW.getTime() - 5 * MINUTE));
        expect(shown.notAfter).toEqual(new Date(NOW.getTime() + row.minutes * MINUTE));
        expect(leaf.notAfter).toEqual(shown.notAfter);
        expect(extensions.get("X509v3 Basic Constraints")).toEqual({ critical: false, value: "CA:FALSE" });
        expect(extensions.get("X509v3 Key Usage")).toEqual({
          critical: true,
          value: isServer
            ? "Digital Signature, Key Encipherment"
            : "Digital Signature, Key Encipherment, Key Agreement",
        });
        expect(extensions.get("X509v3 Extended Key Usage")).toEqual({
          critical: true,
          value: isServer ? "TLS Web Server Authentication" : "TLS Web Client Authentication",
        });
        expect(extensions.get("X509v3 Certificate Policies")?.value).toBe("Policy: X509v3 Any Policy");
        expect(extensions.get("X509v3 Subject Alternative Name")?.value).toBe(row.names);
        expect(extensions.has("X509v3 Subject Key Identifier")).toBe(true);
        expect(extensions.has("X509v3 Authority Key Identifier")).toBe(true);
        const custom = row.custom ?? {};
        for (const [oid, value] of Object.entries(custom)) {
          expect(extensions.get(oid)).toEqual({ critical: false, value: JSON.stringify(value) });
        }
        expect(extensions.size).toBe(6 + (isServer ? 1 : 0) + Object.keys(custom).length);
      });

      test(`${row.name}: OpenSSL accepts it for its purpose and for no other`, async () => {
        const { certificate } = await row.leaf;
        const [right, wrong] = row.names ? ["sslserver", "sslclient"] : ["sslclient", "sslserver"];
        const verify = (purpose: string) =>
          verifyX509(workspace, certificate, row.issuer.chainPem, ["-x509_strict", "-purpose", purpose]);
        expect(await verify(right)).toMatchObject({ exitCode: 0 });
        expect((await verify(wrong)).stderr).toContain("unsuitable certificate purpose");
      });
    }

    test("B3 a leaf does not verify under another organisation, another instance or the other branch", async () => {
      const elsewhere = await createInstanceAuthorities(keys);
      const neighbour = await createOrganisationAuthorities(instance, { ...keys, orgId: ORG });
      const { certificate } = await issueRelayClientLeaf(organisation.relayClient, {
        ...common,
        gatewayId: GATEWAY,
        gatewayName: "office",
        orgId: ORG,
        orgName: "acme",
      });
      for (const { chainPem } of [
        neighbour.relayClient,
        elsewhere.instanceRelayClient,
        organisation.gatewayClient,
      ]) {
        const verdict = await verifyX509(workspace, certificate, chainPem, []);
        expect(verdict.exitCode).not.toBe(0);
      }
    });

    test("an organisation named like a distinguished name adds no field", async () => {
      const orgName = 'x, CN=00000000-1111-2222-3333-444444444444 + OU="y" #\\é';
      const { certificate } = await issueRelayClientLeaf(organisation.relayClient, {
        ...common,
        gatewayId: GATEWAY,
        gatewayName: "office",
        orgId: ORG,
        orgName,
      });
      expect((await showX509(certificate)).subject).toEqual([
        `O=${orgName.replace("\\", "\\\\")}-${ORG}`,
        "OU=relay-client",
        `CN=${GATEWAY}`,
      ]);
    });
  });
}
