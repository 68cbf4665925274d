import { SallyportError } from "../telemetry/error.ts";
import { exportPrivateKey, generateX509Key, importPrivateKey, type X509KeyAlgorithm } from "./keys.ts";
import { decodePem, encodePem } from "./pem.ts";
import { normalSerial, randomSerial } from "./serial.ts";
import { authorityValidity, leafValidity, type Validity } from "./validity.ts";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  type Name,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "./x509.ts";

export interface AuthorityOptions {
  subject: Name;
  algorithm?: X509KeyAlgorithm | undefined;
  now?: Date | undefined;
}

export interface LeafOptions {
  subject: Name;
  publicKey: CryptoKey;
  ttlSeconds: number;
  /** On top of BasicConstraints and the two key identifiers, which every leaf gets. */
  extensions: Extension[];
  now?: Date | undefined;
}

export interface IssuedLeaf {
  /** PEM. */
  certificate: string;
  /** Lower-case hex without leading zeros. */
  serial: string;
  notAfter: Date;
}

const ROOT_USAGES = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
const INTERMEDIATE_USAGES = ROOT_USAGES | KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment;

/** One certificate authority that can sign: its certificate, its chain up to the root, and its private key. */
export class X509Authority {
  /** The common name of its subject. */
  readonly name: string;
  readonly certificatePem: string;
  /** Itself, its intermediates, its root: what verifies a leaf that is presented alone (PROTOCOL C.3). */
  readonly chainPem: string;
  readonly notAfter: Date;
  readonly #certificate: X509Certificate;
  readonly #signingKey: CryptoKey;
  /** In every certificate that it signs. */
  #keyIdentifier: Promise<AuthorityKeyIdentifierExtension> | undefined;

  private constructor(certificate: X509Certificate, parents: string, signingKey: CryptoKey) {
    this.name = certificate.subjectName.getField("CN").at(-1) ?? "";
    this.certificatePem = encodePem("CERTIFICATE", certificate.rawData);
    this.chainPem = this.certificatePem + parents;
    this.notAfter = certificate.notAfter;
    this.#certificate = certificate;
    this.#signingKey = signingKey;
  }

  /** A self-signed root. */
  static async createRoot(options: AuthorityOptions): Promise<X509Authority> {
    const { keyPair } = await generateX509Key(options.algorithm);
    const certificate = await sign({
      subject: options.subject,
      issuer: options.subject,
      publicKey: keyPair.publicKey,
      issuerId: await AuthorityKeyIdentifierExtension.create(keyPair.publicKey),
      signingKey: keyPair.privateKey,
      validity: authorityValidity(options.now ?? new Date()),
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(ROOT_USAGES, true),
      ],
    });
    return new X509Authority(certificate, "", keyPair.privateKey);
  }

  /**
   * An authority that was stored. `chainPem` begins with its own certificate.
   * @throws SallyportError CONFIG_INVALID if the key is not the certificate's
   */
  static async from(chainPem: string, privateKey: Uint8Array): Promise<X509Authority> {
    const [own, ...parents] = decodePem("CERTIFICATE", chainPem);
    if (!own) {
      throw new SallyportError("CONFIG_INVALID", "An authority has no certificate: restore it from a backup");
    }
    const certificate = new X509Certificate(own);
    const spki = new Uint8Array(certificate.publicKey.rawData);
    const signingKey = await importPrivateKey(privateKey, spki);
    return new X509Authority(
      certificate,
      parents.map((der) => encodePem("CERTIFICATE", der)).join(""),
      signingKey,
    );
  }

  /** An authority under this one that may have at most `pathLength` further authorities below it. */
  async createIntermediate(options: AuthorityOptions & { pathLength: number }): Promise<X509Authority> {
    const { keyPair } = await generateX509Key(options.algorithm);
    const certificate = await this.#issue(
      options.subject,
      keyPair.publicKey,
      authorityValidity(options.now ?? new Date()),
      [
        new BasicConstraintsExtension(true, options.pathLength, true),
        new KeyUsagesExtension(INTERMEDIATE_USAGES, true),
      ],
    );
    return new X509Authority(certificate, this.chainPem, keyPair.privateKey);
  }

  /** Signs a leaf for somebody's public key. */
  async issueLeaf(options: LeafOptions): Promise<IssuedLeaf> {
    const validity = leafValidity(options.now ?? new Date(), options.ttlSeconds, this.notAfter);
    const certificate = await this.#issue(options.subject, options.publicKey, validity, [
      new BasicConstraintsExtension(false),
      ...options.extensions,
    ]);
    return {
      certificate: encodePem("CERTIFICATE", certificate.rawData),
      serial: normalSerial(certificate.serialNumber),
      notAfter: validity.notAfter,
    };
  }

  /** PKCS#8, PEM. */
  async privateKeyPem(): Promise<string> {
    return encodePem("PRIVATE KEY", await this.privateKeyDer());
  }

  /** PKCS#8, DER. */
  async privateKeyDer(): Promise<Uint8Array> {
    return await exportPrivateKey(this.#signingKey);
  }

  async #issue(
    subject: Name,
    publicKey: CryptoKey,
    validity: Validity,
    extensions: Extension[],
  ): Promise<X509Certificate> {
    this.#keyIdentifier ??= AuthorityKeyIdentifierExtension.create(
      new Uint8Array(this.#certificate.publicKey.rawData),
    );
    return await sign({
      subject,
      issuer: this.#certificate.subjectName,
      publicKey,
      issuerId: await this.#keyIdentifier,
      signingKey: this.#signingKey,
      validity,
      extensions,
    });
  }
}

interface Signing {
  subject: Name;
  issuer: Name;
  publicKey: CryptoKey;
  issuerId: AuthorityKeyIdentifierExtension;
  signingKey: CryptoKey;
  validity: Validity;
  extensions: Extension[];
}

async function sign(signing: Signing): Promise<X509Certificate> {
  return await X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    subject: signing.subject,
    issuer: signing.issuer,
    ...signing.validity,
    publicKey: signing.publicKey,
    signingKey: signing.signingKey,
    signingAlgorithm: { ...signing.signingKey.algorithm, hash: "SHA-256" },
    extensions: [
      ...signing.extensions,
      await SubjectKeyIdentifierExtension.create(signing.publicKey),
      signing.issuerId,
    ],
  });
}
