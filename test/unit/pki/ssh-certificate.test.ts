import { expect, test } from "bun:test";
import fc from "fast-check";
import { SshAuthority } from "../../../src/pki/ssh-authority.ts";
import {
  extensionText,
  parseSshCertificate,
  parseSshCertificateLine,
  sshCertificateLine,
  verifySshSignature,
} from "../../../src/pki/ssh-certificate.ts";
import { generateSshKey } from "../../../src/pki/ssh-keys.ts";
import { SshReader, SshWriter } from "../../../src/pki/ssh-wire.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";

const authority = await SshAuthority.generate();
const key = await generateSshKey();
const request = {
  kind: "user" as const,
  publicBlob: key.publicBlob,
  keyId: "client-relay-1",
  principals: ["0b7e", "gateway-1"],
  validAfter: new Date(1_000_000),
  validBefore: new Date(2_000_999),
};

for (const algorithm of ["ed25519", "ecdsa-p256", "rsa-2048"] as const) {
  test(`a certificate for a ${algorithm} key by a ${algorithm} authority is read back as it was issued`, async () => {
    const signer = await SshAuthority.generate(algorithm);
    const subject = await generateSshKey(algorithm);
    const extensions = { "permit-pty": "", "org@sallyport": "ö" };
    const issued = signer.issue({ ...request, publicBlob: subject.publicBlob, extensions });
    const certificate = parseSshCertificateLine(issued.line);
    expect(certificate).toMatchObject({
      kind: "user",
      keyId: "client-relay-1",
      principals: ["0b7e", "gateway-1"],
      validAfter: 1000n,
      validBefore: 2000n,
      serial: issued.serial,
      publicBlob: subject.publicBlob,
      authorityBlob: signer.publicBlob,
    });
    expect(issued.serial < 2n ** 63n).toBe(true);
    expect([...certificate.extensions.keys()]).toEqual(["org@sallyport", "permit-pty"]);
    expect(extensionText(certificate, "org@sallyport")).toBe("ö");
    expect(extensionText(certificate, "permit-pty")).toBeUndefined();
    expect(verifySshSignature(signer.publicBlob, certificate.signedPart, certificate.signature)).toBe(true);
    expect(sshCertificateLine(certificate.blob)).toBe(issued.line);
    expect(SshAuthority.from(signer.privateKey).publicLine).toBe(signer.publicLine);
  });
}

test("B2 256 principals are read, 257 are refused", () => {
  const names = (count: number) => Array.from({ length: count }, (_, index) => `p${index}`);
  const line = (count: number) => authority.issue({ ...request, principals: names(count) }).line;
  expect(parseSshCertificateLine(line(256)).principals).toEqual(names(256));
  expect(() => parseSshCertificateLine(line(257))).toThrow("more than 256 principals");
});

test("B2 principals with a comma, a space or a NUL are kept byte for byte", () => {
  const principals = ["a,b", "a b", "a\0b", ""];
  expect(parseSshCertificateLine(authority.issue({ ...request, principals }).line).principals).toEqual(
    principals,
  );
});

test("B2 a key id of 1 MB is refused", () => {
  const { line } = authority.issue({ ...request, keyId: "x".repeat(1 << 20) });
  expect(() => parseSshCertificateLine(line)).toThrow(SallyportError);
});

test("B2 an authority that is itself a certificate is refused", () => {
  const certificate = parseSshCertificateLine(authority.issue(request).line);
  const head = certificate.signedPart.subarray(
    0,
    certificate.signedPart.length - authority.publicBlob.length - 4,
  );
  const forged = new SshWriter().raw(head).string(certificate.blob).string(certificate.signature).toBuffer();
  expect(() => parseSshCertificate(forged)).toThrow(SallyportError);
});

test("options out of order, doubled, or with bytes after the signature are refused", () => {
  const { blob } = parseSshCertificateLine(
    authority.issue({ ...request, extensions: { a: "", b: "" } }).line,
  );
  const ordered = new SshWriter().string("a").string("").string("b").string("").toBuffer();
  const at = blob.indexOf(ordered);
  for (const names of ["ba", "aa"]) {
    const copy = Buffer.from(blob);
    copy.write(names[0] ?? "", at + 4);
    copy.write(names[1] ?? "", at + 13);
    expect(() => parseSshCertificate(copy)).toThrow("out of order");
  }
  expect(() => parseSshCertificate(Buffer.concat([blob, Buffer.of(0)]))).toThrow(SallyportError);
});

test("a plain key, or a line whose first word lies, is refused", () => {
  expect(() => parseSshCertificateLine(key.publicLine)).toThrow("plain key");
  const { line } = authority.issue(request);
  expect(() => parseSshCertificateLine(line.replace("ssh-ed25519", "ssh-rsa"))).toThrow("first word");
});

test("B1 damaged certificates are refused with CERTIFICATE_REFUSED or no longer verify", () => {
  const { blob } = parseSshCertificateLine(
    authority.issue({ ...request, extensions: { "permit-pty": "" } }).line,
  );
  const damage = fc.record({
    at: fc.nat(blob.length - 1),
    flip: fc.integer({ min: 1, max: 255 }),
    cut: fc.boolean(),
  });
  fc.assert(
    fc.property(damage, ({ at, flip, cut }) => {
      const copy = Buffer.from(cut ? blob.subarray(0, at) : blob);
      if (!cut) copy[at] = (copy[at] ?? 0) ^ flip;
      try {
        const read = parseSshCertificate(copy);
        const genuine =
          read.authorityBlob.equals(authority.publicBlob) &&
          verifySshSignature(read.authorityBlob, read.signedPart, read.signature);
        expect(genuine).toBe(false);
      } catch (error) {
        expect(error).toMatchObject({ code: "CERTIFICATE_REFUSED" });
      }
    }),
    { numRuns: 2000 },
  );
});

test("B1 a length field of any value is refused or read within the blob", () => {
  const { blob } = parseSshCertificateLine(authority.issue(request).line);
  fc.assert(
    fc.property(fc.nat(blob.length - 4), fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1), (at, length) => {
      const copy = Buffer.from(blob);
      copy.writeUInt32BE(length, at);
      try {
        const read = parseSshCertificate(copy);
        expect(new SshReader(read.blob).latin1()).toBe(read.type);
      } catch (error) {
        expect(error).toMatchObject({ code: "CERTIFICATE_REFUSED" });
      }
    }),
    { numRuns: 1000 },
  );
});
