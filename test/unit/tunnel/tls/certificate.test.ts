import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { Extension } from "../../../../src/pki/x509.ts";
import { SallyportError } from "../../../../src/telemetry/error.ts";
import { parseCertificate } from "../../../../src/tunnel/tls/certificate.ts";
import { der, oddLeaf, oddRoot, rawExtension } from "../../../support/odd-pki.ts";

const root = await oddRoot("CN=Root");
const ROUTING = "1.3.6.1.4.1.12345.100.1";

describe("reading", () => {
  test("names, serial, dates, URIs, fingerprint and extensions", async () => {
    const notBefore = new Date("2026-01-02T03:04:05Z");
    const notAfter = new Date("2051-01-02T03:04:05Z");
    const leaf = await oddLeaf(root, "O=Acme, OU=relay-client, CN=gateway", {
      serial: "00ff10",
      notBefore,
      notAfter,
      names: [
        { type: "dns", value: "localhost" },
        { type: "url", value: "spiffe://sallyport/gateway/1" },
        { type: "url", value: "https://second.example/" },
      ],
      more: [rawExtension(ROUTING, '{"targetHost":"db"}')],
    });
    const peer = parseCertificate(der(leaf));
    expect(peer).toMatchObject({
      commonName: "gateway",
      organisation: "Acme",
      serial: "ff10",
      notBefore,
      notAfter,
      uris: ["spiffe://sallyport/gateway/1", "https://second.example/"],
      fingerprint: createHash("sha256").update(der(leaf)).digest("hex"),
    });
    expect(peer.extension(ROUTING)?.toString()).toBe('{"targetHost":"db"}');
    expect(peer.extension("1.2.3.4")).toBeUndefined();
  });

  test("B3 of several common names the last one counts, as for Go", async () => {
    const leaf = await oddLeaf(root, "CN=first, O=Acme, CN=last");
    expect(parseCertificate(der(leaf)).commonName).toBe("last");
  });

  test("a subject without a common name has an empty one", async () => {
    expect(parseCertificate(der(await oddLeaf(root, "O=Acme"))).commonName).toBe("");
  });
});

function rule(bytes: Uint8Array): string {
  try {
    parseCertificate(bytes);
    return "accepted";
  } catch (error) {
    if (error instanceof SallyportError && error.code === "CERTIFICATE_REFUSED") return error.message;
    throw error;
  }
}

describe("refusing", () => {
  test("B3 a routing extension that occurs twice", async () => {
    const leaf = await oddLeaf(root, "CN=x", {
      more: [rawExtension(ROUTING, "{}"), rawExtension(ROUTING, '{"targetHost":"other"}')],
    });
    expect(rule(der(leaf))).toContain("occurs twice");
  });

  test("B3 a critical extension that nobody here acts on", async () => {
    const names = new Extension("2.5.29.30", true, Buffer.from("30060000", "hex"));
    const unknown = new Extension("1.2.3.4", true, Buffer.from("x"));
    for (const extension of [names, unknown]) {
      const leaf = await oddLeaf(root, "CN=x", { more: [extension] });
      expect(rule(der(leaf))).toContain("critical extension that is unknown");
    }
  });

  test("bytes after the certificate", async () => {
    const bytes = der(await oddLeaf(root, "CN=x"));
    expect(rule(Buffer.concat([bytes, Buffer.from([0])]))).not.toBe("accepted");
  });

  test("a certificate of more than 32 KiB", async () => {
    const leaf = await oddLeaf(root, "CN=x", { more: [rawExtension("1.2.3.4", "x".repeat(40_000))] });
    expect(rule(der(leaf))).toContain("32768");
  });

  test("a name that is no UTF-8", async () => {
    const bytes = der(await oddLeaf(root, "CN=plainname"));
    const at = bytes.indexOf("plainname");
    bytes[at - 2] = 0x0c;
    bytes[at] = 0xff;
    expect(rule(bytes)).not.toBe("accepted");
  });

  test("a negative serial", async () => {
    const bytes = der(await oddLeaf(root, "CN=x", { serial: "4242424242" }));
    bytes[bytes.indexOf(Buffer.from("4242424242", "hex"))] = 0x80;
    expect(rule(bytes)).not.toBe("accepted");
  });

  test("B1 any bytes, and any damage to a certificate, end with a verdict", async () => {
    const good = der(await oddLeaf(root, "CN=x, O=y", { more: [rawExtension(ROUTING, "{}")] }));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => rule(bytes) !== "accepted"));
    const damage = fc.record({ at: fc.nat(good.length - 1), value: fc.nat(255), cut: fc.nat(good.length) });
    fc.assert(
      fc.property(damage, ({ at, value, cut }) => {
        const bytes = Buffer.from(good);
        bytes[at] = value;
        rule(bytes);
        rule(bytes.subarray(0, cut));
      }),
      { numRuns: 500 },
    );
  });
});
