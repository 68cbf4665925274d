import { describe, expect, test } from "bun:test";
import { decodePem } from "../../../../src/pki/pem.ts";
import { KeyUsageFlags, KeyUsagesExtension } from "../../../../src/pki/x509.ts";
import { SallyportError } from "../../../../src/telemetry/error.ts";
import { type Purpose, TrustBundle } from "../../../../src/tunnel/tls/trust-bundle.ts";
import {
  authorityExtensions,
  bundle,
  der,
  EKU,
  type OddAuthority,
  oddAuthority,
  oddLeaf,
  oddRoot,
} from "../../../support/odd-pki.ts";
import { testPki } from "../../../support/test-pki.ts";

const HOUR_MS = 3_600_000;
const now = new Date();
const root = await oddRoot("CN=Root");
const middle = await oddAuthority(root, "CN=Middle", { pathLength: 1 });
const issuing = await oddAuthority(middle, "CN=Issuing", { pathLength: 0 });
const ours = bundle(issuing, middle, root);

/** "accepted", or the rule that was broken. */
function verdict(pem: string, leaf: OddAuthority, purpose: Purpose = "client", at = now): string {
  try {
    TrustBundle.parse(pem).verify(der(leaf), purpose, at);
    return "accepted";
  } catch (error) {
    if (error instanceof SallyportError && error.code === "CERTIFICATE_REFUSED") return error.message;
    throw error;
  }
}

describe("a leaf", () => {
  test("of the lowest authority is accepted", async () => {
    expect(verdict(ours, await oddLeaf(issuing, "CN=x"))).toBe("accepted");
  });

  test("is accepted whatever the order of the bundle", async () => {
    expect(verdict(bundle(root, issuing, middle), await oddLeaf(issuing, "CN=x"))).toBe("accepted");
  });

  test("B3 for the other purpose is refused", async () => {
    const server = await oddLeaf(issuing, "CN=x", { purposes: [EKU.server] });
    expect(verdict(ours, server)).toContain("may not be used by a client");
    expect(verdict(ours, server, "server")).toBe("accepted");
    expect(verdict(ours, await oddLeaf(issuing, "CN=x"), "server")).toContain("may not be used by a server");
  });

  test("B3 without an extended key usage, or with any purpose, is refused", async () => {
    expect(verdict(ours, await oddLeaf(issuing, "CN=x", { purposes: [] }))).toContain("may not be used");
    const any = await oddLeaf(issuing, "CN=x", { purposes: ["2.5.29.37.0"] });
    expect(verdict(ours, any)).toContain("may not be used");
  });

  test("B3 with CA:TRUE is refused", async () => {
    expect(verdict(ours, await oddAuthority(issuing, "CN=x"))).toContain("CA:TRUE");
    expect(verdict(ours, issuing)).toContain("CA:TRUE");
  });

  test("B3 that is expired, or not valid yet, is refused", async () => {
    const leaf = await oddLeaf(issuing, "CN=x");
    expect(verdict(ours, leaf, "client", new Date(now.getTime() + 2 * HOUR_MS))).toContain("it expired");
    expect(verdict(ours, leaf, "client", new Date(now.getTime() - 2 * HOUR_MS))).toContain(
      "not valid before",
    );
  });
});

test("what was accepted once is checked again each time: its dates, its purpose and its authorities", async () => {
  const leaf = await oddLeaf(issuing, "CN=x");
  expect(verdict(ours, leaf)).toBe("accepted");
  expect(verdict(ours, leaf)).toBe("accepted");
  expect(verdict(ours, leaf, "client", new Date(now.getTime() + 2 * HOUR_MS))).toContain("expired");
  expect(verdict(ours, leaf, "server")).toContain("may not be used by a server");
  expect(verdict(bundle(root), leaf)).toContain("none of the authorities");
});

describe("an authority", () => {
  test("B3 that is expired makes its leaves refused", async () => {
    const expired = {
      notBefore: new Date(now.getTime() - 2 * HOUR_MS),
      notAfter: new Date(now.getTime() - 1000),
    };
    const old = await oddAuthority(middle, "CN=Old", expired);
    expect(verdict(bundle(old, middle, root), await oddLeaf(old, "CN=x"))).toContain('"Old" expired');
    const oldMiddle = await oddAuthority(root, "CN=Old middle", expired);
    const below = await oddAuthority(oldMiddle, "CN=Below");
    const leaf = await oddLeaf(below, "CN=x");
    expect(verdict(bundle(below, oldMiddle, root), leaf)).toContain('"Old middle" expired');
  });

  test("B3 above its path length makes the leaf refused", async () => {
    const under = await oddAuthority(issuing, "CN=Under");
    const leaf = await oddLeaf(under, "CN=x");
    expect(verdict(bundle(under, issuing, middle, root), leaf)).toContain("path length 0");
  });

  test("B3 that the peer brings along counts for nothing", async () => {
    const other = await oddAuthority(middle, "CN=Other organisation", { pathLength: 0 });
    expect(verdict(ours, await oddLeaf(other, "CN=x"))).toContain("none of the authorities");
  });

  test("B3 of the same name with another key is not the issuer", async () => {
    const impostor = await oddAuthority(middle, "CN=Issuing", { pathLength: 0 });
    expect(verdict(ours, await oddLeaf(impostor, "CN=x"))).toContain("none of the authorities");
    expect(verdict(bundle(impostor, issuing, middle, root), await oddLeaf(issuing, "CN=x"))).toBe("accepted");
  });

  test("that is a leaf cannot issue", async () => {
    const leaf = await oddLeaf(issuing, "CN=Leaf");
    const forged = await oddLeaf(leaf, "CN=x");
    expect(verdict(bundle(leaf, issuing, middle, root), forged)).not.toBe("accepted");
  });

  test("that may not sign certificates cannot issue", async () => {
    const mute = await oddAuthority(middle, "CN=Mute", {
      extensions: authorityExtensions(0, KeyUsageFlags.digitalSignature),
    });
    expect(verdict(bundle(mute, middle, root), await oddLeaf(mute, "CN=x"))).not.toBe("accepted");
  });

  test("without BasicConstraints is one only as a root, as Infisical's are", async () => {
    const signing = [new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true)];
    const oldRoot = await oddRoot("CN=Old root", { extensions: signing });
    expect(verdict(bundle(oldRoot), await oddLeaf(oldRoot, "CN=x"))).toBe("accepted");
    const plain = await oddAuthority(root, "CN=Plain", { extensions: signing });
    expect(verdict(bundle(plain, root), await oddLeaf(plain, "CN=x"))).toContain("is no authority");
  });

  test("that was renewed with the same key is found beside its expired certificate", async () => {
    const wish = {
      notBefore: new Date(now.getTime() - 2 * HOUR_MS),
      notAfter: new Date(now.getTime() - 1000),
    };
    const first = await oddAuthority(middle, "CN=Renewed", wish);
    const renewed = await oddAuthority(middle, "CN=Renewed", { keys: first.keys });
    const leaf = await oddLeaf(first, "CN=x");
    expect(verdict(bundle(first, middle, root), leaf)).toContain("expired");
    expect(verdict(bundle(first, renewed, middle, root), leaf)).toBe("accepted");
  });
});

describe("a bundle", () => {
  test("that ends below the root is anchored where it ends", async () => {
    expect(verdict(bundle(issuing, middle), await oddLeaf(issuing, "CN=x"))).toBe("accepted");
  });

  test.each([
    ["is empty", ""],
    ["is no PEM", "hello"],
    ["is too long", root.pem.repeat(33)],
  ])("that %s cannot be used", (_what, pem) => {
    expect(() => TrustBundle.parse(pem)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  test("B3 of one organisation or instance accepts no leaf of another", async () => {
    const [main, sibling, stranger] = await Promise.all([
      testPki(),
      testPki("other-organisation"),
      testPki("other-instance"),
    ]);
    const verify = async (pki: typeof main) => {
      const { relay } = await pki.client();
      const leaf = decodePem("CERTIFICATE", relay.certificate)[0] ?? Buffer.alloc(0);
      return () => TrustBundle.parse(main.organisation.relayClient.chainPem).verify(leaf, "client", now);
    };
    expect((await verify(main))().commonName).not.toBe("");
    expect(await verify(sibling)).toThrow("none of the authorities");
    expect(await verify(stranger)).toThrow("none of the authorities");
  });
});
