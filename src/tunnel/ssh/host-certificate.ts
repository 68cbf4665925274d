import type { HostKey, KeyExchange } from "ssh2/lib/protocol/Protocol.js";
import type { SshIdentity } from "../../pki/credentials.ts";
import { parseSshCertificate, type SshCertificate } from "../../pki/ssh-certificate.ts";
import { SshReader } from "../../pki/ssh-wire.ts";
import { SallyportError } from "../../telemetry/error.ts";
import {
  algorithmsOfType,
  CERTIFICATE_ALGORITHMS,
  type CertificateAlgorithm,
  certificateAlgorithm,
} from "./algorithms.ts";
import { checkHostCertificate } from "./certificate-auth.ts";
import { type LoadedIdentity, loadIdentity } from "./identity.ts";
import { protocolError } from "./messages.ts";

/*
 * ssh2 knows plain host keys only. A negotiated `X-cert-v01@openssh.com` is replaced by what ssh2 has to compare next:
 * by the signature format on the server, on the client first by the type inside the blob, then by the format.
 */

/** The relay's host certificates: the newest at every key exchange, never a raw key. */
export class HostIdentities {
  #loaded = new Map<string, LoadedIdentity>();

  constructor(
    private readonly source: () => SshIdentity[],
    private readonly now: () => Date,
  ) {}

  /** Names for KEXINIT. @throws SallyportError when an identity can't be used or there is none */
  algorithms(): string[] {
    const types = new Set(this.#load().map(({ certificate }) => certificate.type));
    if (types.size === 0)
      throw new SallyportError("CONFIG_INVALID", "There is no SSH host certificate to present.");
    return CERTIFICATE_ALGORITHMS.filter(({ blobType }) => types.has(blobType)).map(({ name }) => name);
  }

  /** What ssh2's server signs this exchange with, under the name that it will look for. */
  present(exchange: KeyExchange): Record<string, HostKey> {
    const algorithm = negotiated(exchange);
    const identity = this.#pick(algorithm.blobType);
    if (!identity)
      throw new SallyportError("CONFIG_INVALID", "The SSH host certificate of that type is gone.");
    exchange.negotiated.serverHostKey = algorithm.signatureFormat;
    return { [algorithm.signatureFormat]: hostKey(identity, algorithm) };
  }

  #pick(type: string): LoadedIdentity | undefined {
    const fitting = this.#load().filter(({ certificate }) => certificate.type === type);
    const seconds = BigInt(Math.floor(this.now().getTime() / 1000));
    const valid = fitting.find(
      ({ certificate }) => certificate.validAfter <= seconds && seconds < certificate.validBefore,
    );
    return valid ?? fitting[0];
  }

  /** Reads each identity once; those that are no longer listed are forgotten. */
  #load(): LoadedIdentity[] {
    const next = new Map<string, LoadedIdentity>();
    for (const identity of this.source()) {
      const known = this.#loaded.get(identity.certificate);
      next.set(identity.certificate, known ?? loadIdentity(identity));
    }
    this.#loaded = next;
    return [...next.values()];
  }
}

function hostKey({ certificate, signer }: LoadedIdentity, algorithm: CertificateAlgorithm): HostKey {
  return {
    type: certificate.keyType,
    getPublicSSH: () => certificate.blob,
    sign(data) {
      const signature = new SshReader(signer.sign(data, algorithm.signatureFormat));
      signature.string();
      return signature.string();
    },
  };
}

/** Plain key blobs of the authorities that sign relays; a function is asked at every key exchange: they may rotate. */
export type HostAuthorities = Buffer[] | (() => Buffer[]);

/** The gateway's check of the relay, at every key exchange of one connection. */
export class HostVerifier {
  #exchange: KeyExchange | null = null;
  #algorithm: CertificateAlgorithm | null = null;
  #accepted: SshCertificate | null = null;

  constructor(
    private readonly rules: { authorities: HostAuthorities; principals: readonly string[] },
    private readonly now: () => Date,
  ) {}

  /** The relay's certificate, once the first key exchange has accepted it. */
  get certificate(): SshCertificate | null {
    return this.#accepted;
  }

  /** Names for KEXINIT. */
  algorithms(): string[] {
    return CERTIFICATE_ALGORITHMS.map(({ name }) => name);
  }

  expect(exchange: KeyExchange): void {
    this.#exchange = exchange;
    this.#algorithm = negotiated(exchange);
    exchange.negotiated.serverHostKey = this.#algorithm.blobType;
  }

  /**
   * ssh2 calls this with the server's blob, before it verifies the signature of the exchange.
   * A Go relay keeps presenting what it began with: the very blob that was accepted first stays acceptable.
   * @throws SallyportError HOST_CERTIFICATE_REFUSED
   */
  verify(blob: Buffer): true {
    const exchange = this.#exchange;
    const algorithm = this.#algorithm;
    if (!exchange || !algorithm) throw protocolError("a host key before the key exchange");
    const certificate = this.#accepted?.blob.equals(blob) ? this.#accepted : this.#check(blob);
    if (!algorithmsOfType(certificate.type).includes(algorithm))
      throw protocolError("another host key was agreed on");
    this.#accepted ??= certificate;
    exchange._hostKey = asHostKey(certificate);
    exchange.negotiated.serverHostKey = algorithm.signatureFormat;
    return true;
  }

  #check(blob: Buffer): SshCertificate {
    try {
      const certificate = parseSshCertificate(blob);
      const { authorities: known, principals } = this.rules;
      const authorities = typeof known === "function" ? known() : known;
      checkHostCertificate(certificate, { authorities, principals, now: this.now() });
      return certificate;
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
      throw new SallyportError(
        "HOST_CERTIFICATE_REFUSED",
        `The relay can't prove who it is. ${error.message}`,
        {
          cause: error,
        },
      );
    }
  }
}

/**
 * ssh2 hashes the blob that the server sent, which has to be the whole certificate, and then reads the plain key from
 * the same buffer with `utf8Slice` (the type) and `slice` (the rest): those two answer with the key inside.
 */
function asHostKey(certificate: SshCertificate): Buffer {
  const typeEnd = 4 + certificate.type.length;
  const fields = certificate.publicBlob.subarray(4 + certificate.keyType.length);
  return Object.defineProperties(Buffer.from(certificate.blob), {
    utf8Slice: {
      value: (start: number, end: number) => {
        if (start !== 4 || end !== typeEnd) throw new Error("ssh2 reads a host key in another way");
        return certificate.keyType;
      },
    },
    slice: { value: () => fields },
  });
}

function negotiated(exchange: KeyExchange): CertificateAlgorithm {
  const algorithm = certificateAlgorithm(exchange.negotiated.serverHostKey);
  if (!algorithm) throw protocolError("no host certificate was agreed on");
  return algorithm;
}
