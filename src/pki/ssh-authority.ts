import { randomBytes } from "node:crypto";
import { SallyportError } from "../telemetry/error.ts";
import { CERTIFICATE_SUFFIX, sshCertificateLine } from "./ssh-certificate.ts";
import { generateSshKey, type SshKeyAlgorithm, sshPublicKeyLine } from "./ssh-keys.ts";
import { readSshPrivateKey } from "./ssh-private-key.ts";
import { readSshPublicKey } from "./ssh-public-key.ts";
import type { SshSigner } from "./ssh-signature.ts";
import { SshReader, SshWriter } from "./ssh-wire.ts";

export interface SshCertificateRequest {
  kind: "user" | "host";
  /** The plain key to certify. */
  publicBlob: Buffer;
  keyId: string;
  principals: string[];
  validAfter: Date;
  /** Exclusive. */
  validBefore: Date;
  extensions?: Record<string, string>;
  criticalOptions?: Record<string, string>;
  /** Random, 63 bits, unless told. */
  serial?: bigint;
}

/** A key that signs OpenSSH certificates for users or hosts (PROTOCOL C.4). */
export class SshAuthority {
  readonly publicBlob: Buffer;
  readonly publicLine: string;

  private constructor(
    /** `OPENSSH PRIVATE KEY` or PKCS#8. */
    readonly privateKey: string,
    private readonly signer: SshSigner,
  ) {
    this.publicBlob = signer.publicBlob;
    this.publicLine = sshPublicKeyLine(signer.publicBlob);
  }

  static async generate(algorithm: SshKeyAlgorithm = "ed25519"): Promise<SshAuthority> {
    return SshAuthority.from((await generateSshKey(algorithm)).privateKey);
  }

  /** @throws SallyportError CONFIG_INVALID when the private key can't be used */
  static from(privateKey: string): SshAuthority {
    return new SshAuthority(privateKey, readSshPrivateKey(privateKey));
  }

  /**
   * Signs a certificate; options are written in byte order, each value as a string inside the string (empty values
   * stay empty, as Go wants them). @throws SallyportError SSH_PROTOCOL when the key can't be certified
   */
  issue(request: SshCertificateRequest): { line: string; serial: bigint } {
    const serial = request.serial ?? randomBytes(8).readBigUInt64BE() >> 1n;
    const { type } = readSshPublicKey(request.publicBlob);
    const fields = new SshReader(request.publicBlob);
    fields.string();
    const principals = new SshWriter();
    for (const principal of request.principals) principals.string(principal);
    const unsigned = new SshWriter()
      .string(`${type}${CERTIFICATE_SUFFIX}`)
      .string(randomBytes(32))
      .raw(fields.rest())
      .uint64(serial)
      .uint32(request.kind === "user" ? 1 : 2)
      .string(request.keyId)
      .string(principals.toBuffer())
      .uint64(seconds(request.validAfter))
      .uint64(seconds(request.validBefore))
      .string(options(request.criticalOptions ?? {}))
      .string(options(request.extensions ?? {}))
      .string("")
      .string(this.publicBlob)
      .toBuffer();
    const blob = new SshWriter().raw(unsigned).string(this.signer.sign(unsigned)).toBuffer();
    return { line: sshCertificateLine(blob), serial };
  }
}

function options(values: Record<string, string>): Buffer {
  const writer = new SshWriter();
  const names = Object.keys(values).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const name of names) {
    const value = values[name] ?? "";
    writer.string(name).string(value === "" ? "" : new SshWriter().string(value).toBuffer());
  }
  return writer.toBuffer();
}

function seconds(date: Date): bigint {
  const value = Math.floor(date.getTime() / 1000);
  if (!(value >= 0))
    throw new SallyportError("SSH_PROTOCOL", "An SSH certificate can't be valid before 1970.");
  return BigInt(value);
}
