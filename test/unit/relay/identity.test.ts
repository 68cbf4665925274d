import { beforeAll, describe, expect, test } from "bun:test";
import type { Revocations } from "../../../src/pki/credentials.ts";
import { SshAuthority, type SshCertificateRequest } from "../../../src/pki/ssh-authority.ts";
import { parseSshCertificateLine, type SshCertificate } from "../../../src/pki/ssh-certificate.ts";
import { generateSshKey } from "../../../src/pki/ssh-keys.ts";
import { issueGatewayUserCertificate } from "../../../src/pki/ssh-profiles.ts";
import {
  HEARTBEAT_ID,
  identifyClient,
  identifyGateway,
  requireSameOrganisation,
} from "../../../src/relay/identity.ts";

const GATEWAY = "0b6e1c9a-6f5a-4a53-9c1e-0d4b3a2f1e00";
const ORG = "a1b2c3d4-0000-4000-8000-000000000001";
const relay = { relayName: "relay-1", revocations: undefined };

let authority: SshAuthority;
let publicBlob: Buffer;

beforeAll(async () => {
  authority = await SshAuthority.generate();
  publicBlob = (await generateSshKey()).publicBlob;
});

function certificate(changes: Partial<SshCertificateRequest> = {}): SshCertificate {
  const { line } = authority.issue({
    kind: "user",
    publicBlob,
    keyId: "client-relay-1",
    principals: [GATEWAY, "my-gateway"],
    validAfter: new Date(Date.now() - 60_000),
    validBefore: new Date("2030-01-01T00:00:00Z"),
    extensions: { "generation@sallyport": "7", "org@sallyport": ORG },
    serial: 42n,
    ...changes,
  });
  return parseSshCertificateLine(line);
}

function revoked(o: { serials?: string[]; gatewayIds?: string[] }): Revocations {
  return { serials: new Set(o.serials), gatewayIds: new Set(o.gatewayIds) };
}

const refused = expect.objectContaining({ code: "CERTIFICATE_REFUSED" });
const gone = expect.objectContaining({ code: "GATEWAY_REVOKED" });

describe("a gateway's certificate", () => {
  test("says who the gateway is", () => {
    expect(identifyGateway(GATEWAY, certificate(), relay)).toEqual({
      gatewayId: GATEWAY,
      gatewayName: "my-gateway",
      orgId: ORG,
      generation: 7,
      serial: 42n,
      expiresAt: Date.parse("2030-01-01T00:00:00Z"),
    });
  });

  test("as issued by the profile is accepted", () => {
    const { line } = issueGatewayUserCertificate(authority, {
      gatewayId: GATEWAY,
      relayName: "relay-1",
      publicBlob,
      generation: 3,
      orgId: ORG,
    });
    expect(identifyGateway(GATEWAY, parseSshCertificateLine(line), relay)).toMatchObject({
      gatewayId: GATEWAY,
      gatewayName: undefined,
      generation: 3,
      orgId: ORG,
    });
  });

  test("from Infisical has no organisation and generation 0", () => {
    const plain = certificate({ extensions: { "permit-pty": "" } });
    expect(identifyGateway(GATEWAY, plain, relay)).toMatchObject({ orgId: undefined, generation: 0 });
  });

  test.each<[string, string, Partial<SshCertificateRequest>]>([
    ["its first principal is another gateway", GATEWAY, { principals: ["my-gateway", GATEWAY] }],
    ["it has no principal", GATEWAY, { principals: [] }],
    ["the user name is only its second principal", "my-gateway", {}],
    ["the user name is no gateway id", "root", { principals: ["root"] }],
    ["the user name is the heartbeat's id", HEARTBEAT_ID, { principals: [HEARTBEAT_ID] }],
    ["the gateway id is in capitals", GATEWAY.toUpperCase(), { principals: [GATEWAY.toUpperCase()] }],
    ["it was issued for another relay", GATEWAY, { keyId: "client-relay-2" }],
    ["its key id only begins with ours", GATEWAY, { keyId: "client-relay-1x" }],
    ["its key id has no prefix", GATEWAY, { keyId: "relay-1" }],
    ["its generation is no number", GATEWAY, { extensions: { "generation@sallyport": "-1" } }],
    ["its generation is empty", GATEWAY, { extensions: { "generation@sallyport": "" } }],
    ["its organisation can't be read", GATEWAY, { extensions: { "org@sallyport": "" } }],
  ])("is refused when %s", (_, username, changes) => {
    expect(() => identifyGateway(username, certificate(changes), relay)).toThrow(refused);
  });

  test("is refused when the gateway or the serial is revoked", () => {
    for (const revocations of [revoked({ gatewayIds: [GATEWAY] }), revoked({ serials: ["ssh:42"] })]) {
      expect(() => identifyGateway(GATEWAY, certificate(), { relayName: "relay-1", revocations })).toThrow(
        gone,
      );
    }
    const others = revoked({ serials: ["42", "ssh:43"], gatewayIds: [ORG] });
    expect(
      identifyGateway(GATEWAY, certificate(), { relayName: "relay-1", revocations: others }).serial,
    ).toBe(42n);
  });
});

describe("a client's certificate", () => {
  const client = { commonName: GATEWAY, organisation: `Acme-${ORG}`, serial: "2a" };

  test("names the gateway; the platform's heartbeat names none", () => {
    expect(identifyClient(client, relay)).toEqual({ gatewayId: GATEWAY });
    expect(identifyClient({ ...client, commonName: HEARTBEAT_ID }, relay)).toEqual({
      gatewayId: HEARTBEAT_ID,
    });
  });

  test.each(["", "relay-1", `${GATEWAY} `, `${GATEWAY}\n`, GATEWAY.toUpperCase(), "*"])(
    "with the CN %p is refused",
    (commonName) => expect(() => identifyClient({ ...client, commonName }, relay)).toThrow(refused),
  );

  test("is refused when its serial or its gateway is revoked", () => {
    const bySerial = { relayName: "relay-1", revocations: revoked({ serials: ["2a"] }) };
    const byGateway = { relayName: "relay-1", revocations: revoked({ gatewayIds: [GATEWAY] }) };
    expect(() => identifyClient(client, bySerial)).toThrow(refused);
    expect(() => identifyClient(client, byGateway)).toThrow(gone);
  });

  test.each([
    [`Acme-${ORG}`, true],
    [`-${ORG}`, true],
    [`Acme-${ORG}-x`, false],
    [ORG, false],
    [`Acme-b${ORG.slice(1)}`, false],
    ["Acme", false],
    ["", false],
  ])("X9 of the organisation %p: accepted %p", (organisation, accepted) => {
    const check = () => requireSameOrganisation({ ...client, organisation }, ORG);
    if (accepted) expect(check).not.toThrow();
    else expect(check).toThrow(refused);
  });

  test("X9 of any organisation is accepted where the gateway's session carries none", () => {
    expect(() => requireSameOrganisation({ ...client, organisation: "x" }, undefined)).not.toThrow();
  });
});
