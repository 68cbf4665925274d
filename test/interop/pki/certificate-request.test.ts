import { afterAll, describe, expect, test } from "bun:test";
import { createCertificateRequest, publicKeyOfRequest } from "../../../src/pki/csr.ts";
import { generateX509Key } from "../../../src/pki/keys.ts";
import { mustRun } from "../../support/processes.ts";
import { Workspace } from "../../support/workspace.ts";

const workspace = await Workspace.open("csr");
afterAll(() => workspace.close());

async function opensslRequest(newkey: string[], flags: string[] = []): Promise<string> {
  const key = workspace.join("key.pem");
  return mustRun([
    "openssl",
    "req",
    "-new",
    "-nodes",
    "-newkey",
    ...newkey,
    "-keyout",
    key,
    "-subj",
    "/CN=x",
    ...flags,
  ]);
}

describe("a certificate request by OpenSSL", () => {
  for (const [what, newkey, flags, name] of [
    ["P-256", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], [], "ECDSA"],
    ["P-384", ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], ["-sha384"], "ECDSA"],
    ["RSA-2048", ["rsa:2048"], [], "RSASSA-PKCS1-v1_5"],
    ["RSA-3072 with SHA-512", ["rsa:3072"], ["-sha512"], "RSASSA-PKCS1-v1_5"],
    [
      "P-256 with wishes of its own",
      ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
      ["-addext", "basicConstraints=CA:TRUE"],
      "ECDSA",
    ],
  ] as const) {
    test(`with ${what} is taken`, async () => {
      const key = await publicKeyOfRequest(await opensslRequest([...newkey], [...flags]));
      expect(key.algorithm.name).toBe(name);
    });
  }

  for (const [what, newkey, flags] of [
    ["RSA-1024", ["rsa:1024"], []],
    ["SHA-1", ["rsa:2048"], ["-sha1"]],
    ["Ed25519", ["ed25519"], []],
    ["secp256k1", ["ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"], []],
    ["exponent 3", ["rsa:2048", "-pkeyopt", "rsa_keygen_pubexp:3"], []],
    [
      "explicit curve parameters",
      ["ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"],
      [],
    ],
  ] as const) {
    test(`with ${what} is refused`, async () => {
      const pem = await opensslRequest([...newkey], [...flags]);
      await expect(publicKeyOfRequest(pem)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    });
  }
});

test("OpenSSL verifies our requests, which say nothing but the key", async () => {
  for (const algorithm of ["ecdsa-p256", "rsa-2048"] as const) {
    const input = await createCertificateRequest((await generateX509Key(algorithm)).keyPair);
    const text = await mustRun(["openssl", "req", "-verify", "-noout", "-subject"], { input });
    expect(text.trim()).toBe("subject=");
  }
});
