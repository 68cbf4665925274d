import { expect, test } from "bun:test";
import { Crypto as OtherCrypto } from "@peculiar/webcrypto";
import { createCertificateRequest } from "../../../src/pki/csr.ts";
import { createInstanceAuthorities } from "../../../src/pki/hierarchy.ts";
import { generateX509Key } from "../../../src/pki/keys.ts";
import { issueRelayServerLeaf } from "../../../src/pki/leaf-profiles.ts";
import { Pkcs10CertificateRequest, X509Certificate } from "../../../src/pki/x509.ts";

/** Bun's type of `Crypto` has one method more than the standard. */
const other: Crypto = Object.assign(new OtherCrypto(), { timingSafeEqual: crypto.timingSafeEqual });

for (const algorithm of ["ecdsa-p256", "rsa-2048"] as const) {
  test(`a second WebCrypto implementation verifies what was signed with ${algorithm}`, async () => {
    const { rootRelay, instanceRelay, instanceRelayServer } = await createInstanceAuthorities({
      x509: algorithm,
    });
    const { keyPair } = await generateX509Key(algorithm);
    const leaf = await issueRelayServerLeaf(instanceRelayServer, {
      host: "relay.example.com",
      organisation: "Infisical",
      publicKey: keyPair.publicKey,
    });
    const pems = [leaf.certificate, instanceRelayServer, instanceRelay, rootRelay].map((link) =>
      typeof link === "string" ? link : link.certificatePem,
    );
    const chain = pems.map((pem) => new X509Certificate(pem));
    for (const [index, certificate] of chain.entries()) {
      const issuer = chain[index + 1] ?? certificate;
      expect(await certificate.verify({ publicKey: issuer, signatureOnly: true }, other)).toBe(true);
    }
    const stranger = new X509Certificate(rootRelay.certificatePem);
    expect(await chain[0]?.verify({ publicKey: stranger, signatureOnly: true }, other)).toBe(false);

    const request = new Pkcs10CertificateRequest(await createCertificateRequest(keyPair));
    expect(await request.verify(other)).toBe(true);
  });
}
