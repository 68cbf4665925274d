import { afterAll, describe, expect, test } from "bun:test";
import { SshAuthority } from "../../../src/pki/ssh-authority.ts";
import { generateSshKey } from "../../../src/pki/ssh-keys.ts";
import { issueGatewayUserCertificate, issueRelayHostCertificate } from "../../../src/pki/ssh-profiles.ts";
import { showCertificate } from "../../support/openssh.ts";
import { Workspace } from "../../support/workspace.ts";

const GATEWAY = "6f1c2d3e-0000-4000-8000-000000000002";
const ORG = "6f1c2d3e-0000-4000-8000-000000000001";
const NOW = new Date("2026-06-15T12:00:00Z");
const PERMISSIONS = [
  "permit-X11-forwarding",
  "permit-agent-forwarding",
  "permit-port-forwarding",
  "permit-pty",
  "permit-user-rc",
];

const workspace = await Workspace.open("ssh-profiles");
afterAll(() => workspace.close());

async function show(line: string): Promise<Map<string, string[]>> {
  return showCertificate(await workspace.file("shown-cert.pub", `${line}\n`));
}

/** `from 2026-06-15T11:55:00 to ...` in the zone of this process. */
function between(from: string, to: string): string {
  const local = (iso: string) => {
    const date = new Date(iso);
    return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
  };
  return `from ${local(from)} to ${local(to)}`;
}

for (const algorithm of ["ed25519", "ecdsa-p256", "rsa-2048"] as const) {
  describe(`PROTOCOL C.4 with ${algorithm}:`, async () => {
    const authority = await SshAuthority.generate(algorithm);
    const { publicBlob } = await generateSshKey(algorithm);

    test("a gateway's user certificate reads as the table says", async () => {
      const { line, serial } = issueGatewayUserCertificate(authority, {
        gatewayId: GATEWAY,
        gatewayName: "office",
        relayName: "relay-a",
        publicBlob,
        generation: 7,
        orgId: ORG,
        now: NOW,
      });
      const shown = await show(line);
      expect(shown.get("Type")?.[0]).toMatch(/cert-v01@openssh\.com user certificate$/);
      expect(shown.get("Key ID")).toEqual(['"client-relay-a"']);
      expect(shown.get("Serial")).toEqual([String(serial)]);
      expect(shown.get("Principals")).toEqual([GATEWAY, "office"]);
      expect(shown.get("Valid")).toEqual([between("2026-06-15T11:55:00Z", "2026-06-16T12:00:00Z")]);
      expect(shown.get("Critical Options")).toEqual(["(none)"]);
      const extensions = shown.get("Extensions") ?? [];
      expect(extensions.map((entry) => entry.split(" ")[0])).toEqual([
        "generation@sallyport",
        "org@sallyport",
        ...PERMISSIONS,
      ]);
      expect(extensions[0]).toContain("0000000137");
    });

    test("on an instance relay of Infisical's it names the gateway's id only, without our extensions", async () => {
      const request = { gatewayId: GATEWAY, relayName: "relay-a", publicBlob };
      const shown = await show(issueGatewayUserCertificate(authority, request).line);
      expect(shown.get("Principals")).toEqual([GATEWAY]);
      expect(shown.get("Extensions")).toEqual(PERMISSIONS);
    });

    test("a relay's host certificate names both of its dial strings for 30 days", async () => {
      const request = { host: "relay.example.com", sshPort: 443, publicBlob, now: NOW };
      const shown = await show(issueRelayHostCertificate(authority, request).line);
      expect(shown.get("Type")?.[0]).toMatch(/cert-v01@openssh\.com host certificate$/);
      expect(shown.get("Key ID")).toEqual(['"relay-server"']);
      expect(shown.get("Principals")).toEqual(["relay.example.com:2222", "relay.example.com:443"]);
      expect(shown.get("Valid")).toEqual([between("2026-06-15T11:55:00Z", "2026-07-15T12:00:00Z")]);
      expect(shown.get("Critical Options")).toEqual(["(none)"]);
      expect(shown.get("Extensions")).toEqual(["(none)"]);
    });

    for (const [host, principal] of [
      ["2001:db8::7", "[2001:db8::7]:2222"],
      ["[2001:db8::7]", "[2001:db8::7]:2222"],
      ["192.0.2.1", "192.0.2.1:2222"],
    ] as const) {
      test(`a relay at ${host} on 2222 has the one principal ${principal}`, async () => {
        const shown = await show(
          issueRelayHostCertificate(authority, { host, sshPort: 2222, publicBlob }).line,
        );
        expect(shown.get("Principals")).toEqual([principal]);
      });
    }
  });
}
