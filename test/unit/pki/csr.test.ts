import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createCertificateRequest, publicKeyOfRequest } from "../../../src/pki/csr.ts";
import { generateX509Key } from "../../../src/pki/keys.ts";
import { decodePem, encodePem } from "../../../src/pki/pem.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";

const LABEL = "CERTIFICATE REQUEST";

async function validRequest(): Promise<Uint8Array> {
  const { keyPair } = await generateX509Key();
  const [der] = decodePem(LABEL, await createCertificateRequest(keyPair));
  if (!der) throw new Error("no request");
  return der;
}

/** The code a request is refused with, or the name of the accepted key's algorithm. */
async function verdict(pem: string): Promise<string> {
  try {
    return (await publicKeyOfRequest(pem)).algorithm.name;
  } catch (error) {
    if (error instanceof SallyportError) return error.code;
    throw error;
  }
}

describe("a certificate request", () => {
  for (const algorithm of ["ecdsa-p256", "rsa-2048"] as const) {
    test(`of ${algorithm} gives back the public key it was made with`, async () => {
      const { keyPair } = await generateX509Key(algorithm);
      const key = await publicKeyOfRequest(await createCertificateRequest(keyPair));
      const spki = async (k: CryptoKey) =>
        Buffer.from(await crypto.subtle.exportKey("spki", k)).toString("hex");
      expect(await spki(key)).toBe(await spki(keyPair.publicKey));
    });
  }

  test("whose signature was made with another key is refused", async () => {
    const mine = await generateX509Key();
    const theirs = await generateX509Key();
    const stolen = { publicKey: theirs.keyPair.publicKey, privateKey: mine.keyPair.privateKey };
    expect(await verdict(await createCertificateRequest(stolen))).toBe("CONFIG_INVALID");
  });

  test("with one bit of its signature changed is refused", async () => {
    const der = await validRequest();
    der[der.length - 3] = (der[der.length - 3] ?? 0) ^ 1;
    expect(await verdict(encodePem(LABEL, der))).toBe("CONFIG_INVALID");
  });

  test("that is one of two in the file is refused", async () => {
    const pem = encodePem(LABEL, await validRequest());
    expect(await verdict(pem + pem)).toBe("CONFIG_INVALID");
  });

  test("may have text around it", async () => {
    expect(await verdict(`Made by hand\n${encodePem(LABEL, await validRequest())}bye\n`)).toBe("ECDSA");
  });

  for (const [what, pem] of [
    ["nothing", ""],
    ["a text", "hello"],
    ["an empty block", `-----BEGIN ${LABEL}-----\n-----END ${LABEL}-----`],
    ["a block that is cut off", `-----BEGIN ${LABEL}-----\nMIIB`],
    ["a block that is not base64", `-----BEGIN ${LABEL}-----\n!!!!\n-----END ${LABEL}-----`],
    ["more than 16 KiB", encodePem(LABEL, new Uint8Array(16 * 1024))],
    ["another label", encodePem("PRIVATE KEY", new Uint8Array(64))],
    ["4000 nested sequences", encodePem(LABEL, nested(4000))],
  ] as const) {
    test(`B1 ${what} is refused`, async () => {
      expect(await verdict(pem)).toBe("CONFIG_INVALID");
    });
  }

  test("B1 damaged in any way is refused or proven, and never crashes", async () => {
    const der = await validRequest();
    await fc.assert(
      fc.asyncProperty(damage(der.length), async (changes) => {
        const damaged = Uint8Array.from(der);
        for (const { at, value } of changes) damaged[at] = value;
        expect(["CONFIG_INVALID", "ECDSA"]).toContain(await verdict(encodePem(LABEL, damaged)));
      }),
      { numRuns: 400 },
    );
  });

  test("B1 of random bytes is refused", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 2000 }), async (bytes) => {
        expect(await verdict(encodePem(LABEL, bytes))).toBe("CONFIG_INVALID");
      }),
      { numRuns: 300 },
    );
  });
});

function damage(length: number): fc.Arbitrary<{ at: number; value: number }[]> {
  const change = fc.record({ at: fc.nat(length - 1), value: fc.nat(255) });
  return fc.array(change, { minLength: 1, maxLength: 8 });
}

/** SEQUENCE in SEQUENCE, each with a definite two-byte length. */
function nested(depth: number): Uint8Array {
  const bytes = new Uint8Array(depth * 4);
  for (let level = 0; level < depth; level++) {
    const inside = bytes.length - (level + 1) * 4;
    bytes.set([0x30, 0x82, inside >> 8, inside & 0xff], level * 4);
  }
  return bytes;
}
