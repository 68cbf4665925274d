import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { generateSshKey, parseSshPublicKey, type SshKeyAlgorithm } from "../../../src/pki/ssh-keys.ts";
import { readSshPrivateKey } from "../../../src/pki/ssh-private-key.ts";
import { readSshPublicKey } from "../../../src/pki/ssh-public-key.ts";
import { verifySshSignature } from "../../../src/pki/ssh-signature.ts";
import { SshReader, SshWriter } from "../../../src/pki/ssh-wire.ts";

const ALGORITHMS: SshKeyAlgorithm[] = ["ed25519", "ecdsa-p256", "rsa-2048"];
const DATA = Buffer.from("data to sign");

for (const algorithm of ALGORITHMS) {
  test(`a ${algorithm} key survives its file and signs what it verifies`, async () => {
    const key = await generateSshKey(algorithm);
    const signer = readSshPrivateKey(key.privateKey);
    expect(signer.publicBlob).toEqual(key.publicBlob);
    expect(parseSshPublicKey(`${key.publicLine} somebody@somewhere\n`)).toEqual(key.publicBlob);
    const signature = signer.sign(DATA);
    expect(verifySshSignature(key.publicBlob, DATA, signature)).toBe(true);
    expect(verifySshSignature(key.publicBlob, Buffer.from("other data"), signature)).toBe(false);
    expect(verifySshSignature(key.publicBlob, DATA, Buffer.concat([signature, Buffer.of(0)]))).toBe(false);
    const other = await generateSshKey(algorithm);
    expect(verifySshSignature(other.publicBlob, DATA, signature)).toBe(false);
  });
}

test("PKCS#8 keys are read, keys of other kinds are refused without showing them", () => {
  const pkcs8 = (privateKey: { export: (o: { format: "pem"; type: "pkcs8" }) => string | Buffer }) =>
    privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  const ec = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const signer = readSshPrivateKey(pkcs8(ec.privateKey));
  expect(verifySshSignature(signer.publicBlob, DATA, signer.sign(DATA))).toBe(true);
  const text = pkcs8(generateKeyPairSync("x25519").privateKey);
  expect(() => readSshPrivateKey(text)).toThrow("The SSH private key can't be used");
  expect(() => readSshPrivateKey("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n")).toThrow("it is damaged");
  expect(() => readSshPrivateKey("x".repeat(40_000))).toThrow("too long");
});

test("B2 an RSA signature with SHA-1 is refused", async () => {
  const key = await generateSshKey("rsa-2048");
  const reader = new SshReader(readSshPrivateKey(key.privateKey).sign(DATA, "rsa-sha2-256"));
  reader.string();
  const asSha1 = new SshWriter().string("ssh-rsa").string(reader.string()).toBuffer();
  expect(verifySshSignature(key.publicBlob, DATA, asSha1)).toBe(false);
});

test("B2 RSA keys below 2048 and above 8192 bits are refused", () => {
  const rsa = (bits: number) => {
    const modulus = Buffer.alloc(Math.ceil(bits / 8), 0xff);
    return new SshWriter()
      .string("ssh-rsa")
      .positive(Buffer.of(1, 0, 1))
      .positive(modulus)
      .toBuffer();
  };
  expect(() => readSshPublicKey(rsa(1024))).toThrow("RSA keys of 1024 bits");
  expect(() => readSshPublicKey(rsa(8200))).toThrow();
  expect(readSshPublicKey(rsa(8192)).type).toBe("ssh-rsa");
});

test("B2 an Ed25519 key or signature of another length is refused", async () => {
  for (const length of [0, 31, 33, 64]) {
    expect(() =>
      readSshPublicKey(new SshWriter().string("ssh-ed25519").string(Buffer.alloc(length)).toBuffer()),
    ).toThrow();
  }
  const key = await generateSshKey();
  const short = new SshWriter().string("ssh-ed25519").string(Buffer.alloc(63)).toBuffer();
  expect(verifySshSignature(key.publicBlob, DATA, short)).toBe(false);
});

test("a point that is not on its curve is refused", () => {
  const point = Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)]);
  const blob = new SshWriter().string("ecdsa-sha2-nistp256").string("nistp256").string(point).toBuffer();
  expect(() => readSshPublicKey(blob)).toThrow("its point is not on the curve");
});

test("lines that are not one public key are refused", async () => {
  const { publicLine } = await generateSshKey();
  const base64 = publicLine.split(" ")[1];
  for (const line of [
    "",
    "ssh-ed25519",
    `ssh-rsa ${base64}`,
    `${publicLine}\nssh-rsa AAAA`,
    "ssh-ed25519 ###",
    publicLine.slice(0, -8),
  ]) {
    expect(() => parseSshPublicKey(line)).toThrow();
  }
});
