import { createPrivateKey, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { readTextFile } from "../host/bounded-file.ts";
import { SallyportError } from "../telemetry/error.ts";
import type {
  ClientCredentials,
  GatewayCredentials,
  RelayCredentials,
  SshIdentity,
  X509Identity,
} from "./credentials.ts";
import { CLIENT_FILES, GATEWAY_FILES, type Identity, RELAY_FILES, readIdentity } from "./identity.ts";
import { readRevocations } from "./revocation.ts";
import { SshAuthority } from "./ssh-authority.ts";
import { parseSshCertificateLine } from "./ssh-certificate.ts";

export { directorySource } from "./directory-source.ts";
export { readRevocations } from "./revocation.ts";

/** A bundle of 100 RSA certificates is 150 KiB. */
const SIZE_LIMIT = 1024 * 1024;

/**
 * What a relay runs with, from a directory of `ca issue relay`.
 * @throws SallyportError NOT_FOUND, FILE_UNREADABLE, CONFIG_INVALID when something is missing, damaged or expired
 */
export async function readRelayDirectory(
  directory: string,
  now = new Date(),
): Promise<RelayCredentials & { sshPort: number; tlsPort: number }> {
  const identity = requireRole("relay", directory, await readIdentity(directory));
  const files = new Directory(directory, now);
  return {
    relayId: identity.relayId,
    relayName: identity.relayName,
    host: identity.host,
    sshPort: identity.sshPort,
    tlsPort: identity.tlsPort,
    tls: {
      ...(await files.x509(RELAY_FILES.certificate, RELAY_FILES.key)),
      clientAuthorities: await files.text(RELAY_FILES.clientAuthorities),
    },
    ssh: {
      host: await files.ssh(RELAY_FILES.hostCertificate, RELAY_FILES.hostKey),
      userAuthorities: await files.lines(RELAY_FILES.userAuthorities),
    },
    revocations: await readRevocations(directory),
  };
}

/**
 * What a gateway runs with, from a directory of `ca issue gateway`.
 * @throws SallyportError NOT_FOUND, FILE_UNREADABLE, CONFIG_INVALID when something is missing, damaged or expired
 */
export async function readGatewayDirectory(directory: string, now = new Date()): Promise<GatewayCredentials> {
  const identity = requireRole("gateway", directory, await readIdentity(directory));
  const files = new Directory(directory, now);
  const hostAuthorities = await files.lines(GATEWAY_FILES.hostAuthorities);
  return {
    gatewayId: identity.gatewayId,
    gatewayName: identity.gatewayName,
    relays: await Promise.all(
      identity.relays.map(async (relay) => ({
        ...relay,
        ssh: await files.ssh(GATEWAY_FILES.sshCertificate(relay.relayName), GATEWAY_FILES.sshKey),
        hostAuthorities,
      })),
    ),
    tls: {
      ...(await files.x509(GATEWAY_FILES.certificate, GATEWAY_FILES.key)),
      clientAuthorities: await files.text(GATEWAY_FILES.clientAuthorities),
    },
    revocations: await readRevocations(directory),
  };
}

/**
 * What a client dials with, from a directory of `ca issue client`.
 * @throws SallyportError NOT_FOUND, FILE_UNREADABLE, CONFIG_INVALID when something is missing, damaged or expired
 */
export async function readClientDirectory(directory: string, now = new Date()): Promise<ClientCredentials> {
  const identity = requireRole("client", directory, await readIdentity(directory));
  const files = new Directory(directory, now);
  return {
    gatewayId: identity.gatewayId,
    gatewayName: identity.gatewayName,
    relayHost: identity.relayHost,
    relayPort: identity.relayPort,
    relay: {
      ...(await files.x509(CLIENT_FILES.relayCertificate, CLIENT_FILES.relayKey)),
      serverAuthorities: await files.text(CLIENT_FILES.relayAuthorities),
    },
    gateway: {
      ...(await files.x509(CLIENT_FILES.gatewayCertificate, CLIENT_FILES.gatewayKey)),
      serverAuthorities: await files.text(CLIENT_FILES.gatewayAuthorities),
    },
    target: identity.target,
    requireGatewayUri: true,
  };
}

function requireRole<R extends Identity["role"]>(
  role: R,
  directory: string,
  identity: Identity | undefined,
): Extract<Identity, { role: R }> {
  if (!identity) {
    throw new SallyportError(
      "NOT_FOUND",
      `${directory} has no identity.json: make it with "sallyport ca issue ${role}", again if that was interrupted`,
    );
  }
  if (isOf(role, identity)) return identity;
  throw new SallyportError(
    "CONFIG_INVALID",
    `${directory} belongs to a ${identity.role}, not to a ${role}: give the directory of "sallyport ca issue ${role}"`,
  );
}

function isOf<R extends Identity["role"]>(
  role: R,
  identity: Identity,
): identity is Extract<Identity, { role: R }> {
  return identity.role === role;
}

/** The files of one directory, each checked to be there and to belong together. */
class Directory {
  constructor(
    private readonly path: string,
    private readonly now: Date,
  ) {}

  async text(name: string): Promise<string> {
    const text = await readTextFile(join(this.path, name), SIZE_LIMIT);
    if (text !== undefined) return text;
    const isKey = name.endsWith("key") || name.endsWith("key.pem");
    throw this.invalid(name, isKey ? "is missing: put the private key there, mode 0600" : "is missing");
  }

  async lines(name: string): Promise<string[]> {
    return (await this.text(name)).split("\n").filter((line) => line.trim() !== "");
  }

  async x509(certificateName: string, keyName: string): Promise<X509Identity> {
    const certificate = await this.text(certificateName);
    const privateKey = await this.text(keyName);
    const parsed = this.read(certificateName, () => new X509Certificate(certificate));
    const key = this.read(keyName, () => createPrivateKey(privateKey));
    if (!parsed.checkPrivateKey(key)) throw this.invalid(keyName, `is not the key of ${certificateName}`);
    this.refuseExpired(certificateName, new Date(parsed.validTo));
    return { certificate, privateKey };
  }

  async ssh(certificateName: string, keyName: string): Promise<SshIdentity> {
    const certificate = (await this.text(certificateName)).trim();
    const privateKey = await this.text(keyName);
    const { publicBlob, validBefore } = this.read(certificateName, () =>
      parseSshCertificateLine(certificate),
    );
    const key = this.read(keyName, () => SshAuthority.from(privateKey));
    if (!key.publicBlob.equals(publicBlob))
      throw this.invalid(keyName, `is not the key of ${certificateName}`);
    this.refuseExpired(certificateName, new Date(Number(validBefore) * 1000));
    return { certificate, privateKey };
  }

  private read<T>(name: string, parse: () => T): T {
    try {
      return parse();
    } catch (cause) {
      throw this.invalid(name, "can't be read", cause);
    }
  }

  private refuseExpired(name: string, end: Date): void {
    if (end > this.now) return;
    throw this.invalid(
      name,
      `expired at ${end.toISOString()}: run "sallyport ca issue" for this directory again`,
    );
  }

  private invalid(name: string, what: string, cause?: unknown): SallyportError {
    return new SallyportError("CONFIG_INVALID", `${join(this.path, name)} ${what}`, { cause });
  }
}
