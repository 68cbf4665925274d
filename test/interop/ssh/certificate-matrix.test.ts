import { afterAll, expect, test } from "bun:test";
import { SshAuthority } from "../../../src/pki/ssh-authority.ts";
import { parseSshCertificate } from "../../../src/pki/ssh-certificate.ts";
import { parseSshPublicKey, splitKeyLine } from "../../../src/pki/ssh-keys.ts";
import { readSshPrivateKey } from "../../../src/pki/ssh-private-key.ts";
import { SshWriter } from "../../../src/pki/ssh-wire.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { algorithmsOfType } from "../../../src/tunnel/ssh/algorithms.ts";
import { checkUserCertificate } from "../../../src/tunnel/ssh/certificate-auth.ts";
import {
  type CertificateOptions,
  certify,
  currentUser,
  importKey,
  type KeyType,
  makeKey,
  type OpenSshKey,
  runSsh,
} from "../../support/openssh.ts";
import { serverAccepts } from "../../support/ssh-login.ts";
import { issueIdentity, PRINCIPAL } from "../../support/ssh-pair.ts";
import { startSshd } from "../../support/sshd.ts";
import { Workspace } from "../../support/workspace.ts";

/*
 * Every certificate is judged twice: by a real sshd with TrustedUserCAKeys, and by our validators. They must agree,
 * except where we refuse on purpose what sshd lets in (`stricter`).
 */

const workspace = await Workspace.open("certificate-matrix");
afterAll(() => workspace.close());

const username = await currentUser();
const authority = await makeKey(workspace, "authority");
const rsaAuthority = await makeKey(workspace, "rsa-authority", "rsa", 2048);
const stranger = await makeKey(workspace, "stranger");
const ours = SshAuthority.from(authority.privateKey);
const hostAuthority = await SshAuthority.generate();
const host = await issueIdentity(hostAuthority, "host");
const hostKey = await importKey(workspace, "host", { ...host, publicLine: host.certificate });
const authorities = [authority.publicLine, rsaAuthority.publicLine];
const sshd = await startSshd(workspace, {
  hostKey,
  hostCertificate: `${hostKey.path}-cert.pub`,
  userAuthorities: authorities,
});

const keys: Record<KeyType, OpenSshKey> = {
  ed25519: await makeKey(workspace, "ed25519"),
  ecdsa: await makeKey(workspace, "ecdsa", "ecdsa", 256),
  rsa: await makeKey(workspace, "rsa", "rsa", 2048),
};

type Verdict = "accept" | "refuse";

interface Verdicts {
  sshd: Verdict;
  ours: Verdict;
}

function wanted(expected: Verdict | "stricter"): Verdicts {
  return expected === "stricter" ? { sshd: "accept", ours: "refuse" } : { sshd: expected, ours: expected };
}

/** Judges a blob that may be anything. */
async function verdicts(blob: Buffer, key: OpenSshKey): Promise<Verdicts> {
  const type = blob.toString("latin1", 4, 4 + blob.readUInt32BE(0));
  const algorithm = algorithmsOfType(type)[0];
  if (!algorithm) throw new Error(`no algorithm for ${type}`);
  const accepted = await serverAccepts({
    port: sshd.port,
    username,
    certificate: blob,
    algorithm: algorithm.name,
    format: algorithm.signatureFormat,
    privateKey: key.privateKey,
    hostAuthority: hostAuthority.publicLine,
    hostPrincipal: PRINCIPAL,
  });
  return { sshd: accepted ? "accept" : "refuse", ours: ourVerdict(blob) };
}

function ourVerdict(blob: Buffer): Verdict {
  try {
    checkUserCertificate(parseSshCertificate(blob), {
      authorities: authorities.map(parseSshPublicKey),
      username,
      remoteAddress: "127.0.0.1",
      now: new Date(),
    });
    return "accept";
  } catch (error) {
    if (error instanceof SallyportError && error.code === "CERTIFICATE_REFUSED") return "refuse";
    throw error;
  }
}

const principals = (count: number) => [...Array.from({ length: count - 1 }, (_, i) => `p${i}`), username];

/** Made by ssh-keygen. */
const made: [string, Verdict | "stricter", Partial<CertificateOptions> & { keyType?: KeyType }][] = [
  ["an Ed25519 key", "accept", {}],
  ["an ECDSA key", "accept", { keyType: "ecdsa" }],
  ["an RSA key", "accept", { keyType: "rsa" }],
  ["an RSA authority", "accept", { authority: rsaAuthority }],
  [
    "an RSA authority that signs with SHA-256",
    "accept",
    { authority: rsaAuthority, signatureAlgorithm: "rsa-sha2-256" },
  ],
  [
    "an RSA authority that signs with SHA-1",
    "refuse",
    { authority: rsaAuthority, signatureAlgorithm: "ssh-rsa" },
  ],
  ["a host certificate", "refuse", { kind: "host" }],
  ["another authority", "refuse", { authority: stranger }],
  ["no time limit", "accept", { validity: "always:forever" }],
  ["a time that is over", "refuse", { validity: "20200101:20200102" }],
  ["a time that begins in a minute", "refuse", { validity: "+1m:+1h" }],
  ["a time that ended a minute ago", "refuse", { validity: "-1h:-1m" }],
  ["a time that began five minutes ago", "accept", { validity: "-5m:+5m" }],
  ["no principals", "refuse", { principals: [] }],
  ["another principal", "refuse", { principals: ["somebody"] }],
  ["a principal in other letters", "refuse", { principals: [username.toUpperCase()] }],
  ["a principal as a pattern", "refuse", { principals: ["*"] }],
  ["two principals", "accept", { principals: ["somebody", username] }],
  ["256 principals", "accept", { principals: principals(256) }],
  ["an unknown critical option", "refuse", { options: ["critical:unknown@example.com=x"] }],
  ["an unknown extension", "accept", { options: ["extension:unknown@example.com=x"] }],
  ["no extensions at all", "accept", { options: ["clear"] }],
  ["a source address that fits", "accept", { options: ["source-address=10.0.0.0/8,127.0.0.1/32"] }],
  ["a source address that does not", "refuse", { options: ["source-address=10.0.0.0/8"] }],
  ["a forced command", "stricter", { options: ["force-command=/bin/true"] }],
  ["a touch that is required", "stricter", { options: ["verify-required"] }],
  ["a key id of 20 000 characters", "accept", { keyId: "k".repeat(20_000) }],
];

for (const [name, expected, options] of made) {
  test(`B2 ${name}: ${expected === "stricter" ? "sshd accepts, we refuse" : `both ${expected}`}`, async () => {
    const key = keys[options.keyType ?? "ed25519"];
    const line = await certify({
      authority,
      key,
      kind: "user",
      keyId: "matrix",
      principals: [username],
      ...options,
    });
    const { blob } = splitKeyLine(line, 100_000);
    expect(await verdicts(blob, key)).toEqual(wanted(expected));
  });
}

/** What ssh-keygen does not make. */
const subject = parseSshPublicKey(keys.ed25519.publicLine);
const issue = (o: Partial<Parameters<SshAuthority["issue"]>[0]>) =>
  splitKeyLine(
    ours.issue({
      kind: "user",
      publicBlob: subject,
      keyId: "matrix",
      principals: [username],
      validAfter: new Date(Date.now() - 60_000),
      validBefore: new Date(Date.now() + 60_000),
      ...o,
    }).line,
    4_000_000,
  ).blob;

const forged: [string, Verdict | "stricter", () => Buffer][] = [
  ["a certificate that our own authority made", "accept", () => issue({})],
  ["257 principals", "refuse", () => issue({ principals: principals(257) })],
  ["a principal with a comma", "refuse", () => issue({ principals: [`${username},x`] })],
  ["a principal with a space behind it", "refuse", () => issue({ principals: [`${username} `] })],
  ["a principal with a NUL behind it", "stricter", () => issue({ principals: [`${username}\0`] })],
  ["a principal with a NUL in it", "refuse", () => issue({ principals: [`${username}\0x`] })],
  ["an empty principal", "refuse", () => issue({ principals: [""] })],
  ["a key id of 1 MB", "refuse", () => issue({ keyId: "k".repeat(1 << 20) })],
  ["a key id of 100 KB", "stricter", () => issue({ keyId: "k".repeat(100_000) })],
  ["an authority that is itself a certificate", "refuse", () => certifiedAuthority()],
  ["a signature that is wrong in one bit", "refuse", () => changed(issue({}), -1)],
  ["a serial that was changed afterwards", "refuse", () => changed(issue({}), 4 + 32 + 4 + 32 + 4 + 32 + 3)],
  ["bytes behind the signature", "refuse", () => Buffer.concat([issue({}), Buffer.of(0)])],
  ["its last byte missing", "refuse", () => issue({}).subarray(0, -1)],
  ["options out of order", "stricter", () => outOfOrder()],
];

for (const [name, expected, make] of forged) {
  test(`B2 ${name}: ${expected === "stricter" ? "sshd accepts, we refuse" : `both ${expected}`}`, async () => {
    expect(await verdicts(make(), keys.ed25519)).toEqual(wanted(expected));
  });
}

test("B2 an RSA key of 1024 bits: sshd accepts, we refuse", async () => {
  const key = await makeKey(workspace, "weak", "rsa", 1024);
  const line = await certify({ authority, key, kind: "user", keyId: "matrix", principals: [username] });
  const { exitCode } = await runSsh(workspace, {
    port: sshd.port,
    key,
    knownHosts: `@cert-authority * ${hostAuthority.publicLine}`,
    settings: [`HostKeyAlias=${PRINCIPAL}`],
    command: ["true"],
  });
  expect(exitCode).toBe(0);
  expect(ourVerdict(splitKeyLine(line).blob)).toBe("refuse");
});

/** Signed by the authority in the name of a certificate that the authority has. */
function certifiedAuthority(): Buffer {
  const blob = issue({});
  const { signedPart } = parseSshCertificate(blob);
  const head = signedPart.subarray(0, signedPart.length - ours.publicBlob.length - 4);
  const certified = issue({ publicBlob: ours.publicBlob });
  return signed(new SshWriter().raw(head).string(certified).toBuffer());
}

/** Two extensions in descending order. */
function outOfOrder(): Buffer {
  const blob = issue({ extensions: { "a@example.com": "", "b@example.com": "" } });
  const { signedPart } = parseSshCertificate(blob);
  const swapped = Buffer.from(signedPart);
  swapped.write("b", swapped.indexOf("a@example.com"));
  swapped.write("a", swapped.lastIndexOf("b@example.com"));
  return signed(swapped);
}

function signed(unsigned: Buffer): Buffer {
  const signature = readSshPrivateKey(authority.privateKey).sign(unsigned);
  return new SshWriter().raw(unsigned).string(signature).toBuffer();
}

function changed(blob: Buffer, at: number): Buffer {
  const copy = Buffer.from(blob);
  const index = (at + copy.length) % copy.length;
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}
