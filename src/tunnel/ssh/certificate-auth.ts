import { BlockList, isIP } from "node:net";
import { type SshCertificate, verifySshSignature } from "../../pki/ssh-certificate.ts";
import { SallyportError } from "../../telemetry/error.ts";

const SOURCE_ADDRESS = "source-address";

export interface UserCertificateRules {
  /** Plain key blobs of the authorities that sign users. */
  authorities: Buffer[];
  /** As it came over the wire, one character per byte. */
  username: string;
  /** What `source-address` is compared with. */
  remoteAddress: string;
  now: Date;
}

/**
 * Whether this certificate may log this user in: everything but the proof that the peer holds its key.
 * @throws SallyportError CERTIFICATE_REFUSED, which says the rule
 */
export function checkUserCertificate(certificate: SshCertificate, rules: UserCertificateRules): void {
  checkCommon(certificate, "user", [rules.username], rules);
  for (const [name, value] of certificate.criticalOptions) {
    if (name !== SOURCE_ADDRESS)
      throw refused(`its critical option ${JSON.stringify(name)} is not understood`);
    if (!listsAddress(value, rules.remoteAddress)) throw refused("it may not be used from this address");
  }
}

export interface HostCertificateRules {
  /** Plain key blobs of the authorities that sign relays. */
  authorities: Buffer[];
  /** What may have been dialled, port included: `relay.example.com:2222` (PROTOCOL 0.2). One of them is enough. */
  principals: readonly string[];
  now: Date;
}

/**
 * Whether this certificate names the host that was dialled.
 * @throws SallyportError CERTIFICATE_REFUSED, which says the rule
 */
export function checkHostCertificate(certificate: SshCertificate, rules: HostCertificateRules): void {
  const asBytes = rules.principals.map((principal) => Buffer.from(principal, "utf8").toString("latin1"));
  checkCommon(certificate, "host", asBytes, rules);
  for (const name of certificate.criticalOptions.keys()) {
    throw refused(`its critical option ${JSON.stringify(name)} is not understood`);
  }
}

/** Principals are compared byte for byte, and none at all never means everybody (CVE-2026-35414). */
function checkCommon(
  certificate: SshCertificate,
  kind: "user" | "host",
  wanted: string[],
  { authorities, now }: { authorities: Buffer[]; now: Date },
): void {
  if (certificate.kind !== kind) throw refused(`it is for a ${certificate.kind}, not for a ${kind}`);
  if (!authorities.some((authority) => authority.equals(certificate.authorityBlob))) {
    throw refused("it was signed by an authority that is not trusted here");
  }
  if (certificate.principals.length === 0) throw refused("it names no principal");
  if (!wanted.some((principal) => principal !== "" && certificate.principals.includes(principal))) {
    throw refused(
      `${wanted.map((principal) => JSON.stringify(principal)).join(" or ")} is not one of its principals`,
    );
  }
  const seconds = BigInt(Math.floor(now.getTime() / 1000));
  if (seconds < certificate.validAfter)
    throw refused("it is not valid yet; check the clocks of both machines");
  if (seconds >= certificate.validBefore) throw refused("it has expired");
  if (!verifySshSignature(certificate.authorityBlob, certificate.signedPart, certificate.signature)) {
    throw refused("its signature is wrong, or made with an algorithm that is no longer accepted");
  }
}

/** The value is a list of addresses and networks in a string; what can't be read allows nobody. */
function listsAddress(value: Buffer, address: string): boolean {
  const allowed = readAddresses(value);
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  const family = isIP(plain);
  return allowed !== null && family !== 0 && allowed.check(plain, family === 4 ? "ipv4" : "ipv6");
}

function readAddresses(value: Buffer): BlockList | null {
  const length = value.length >= 4 ? value.readUInt32BE(0) : -1;
  if (length !== value.length - 4) return null;
  const addresses = new BlockList();
  for (const entry of value.toString("latin1", 4).split(",")) {
    const [network = "", bits, ...more] = entry.split("/");
    const family = isIP(network);
    const most = family === 4 ? 32 : 128;
    const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (family === 0 || more.length > 0 || prefix < 0 || prefix > most) return null;
    addresses.addSubnet(network, prefix, family === 4 ? "ipv4" : "ipv6");
  }
  return addresses;
}

function refused(why: string): SallyportError {
  return new SallyportError("CERTIFICATE_REFUSED", `The SSH certificate was refused: ${why}.`);
}
