import { publicKeyOfRequest } from "../csr.ts";
import { generateX509Key, type X509KeyAlgorithm } from "../keys.ts";
import { generateSshKey, parseSshPublicKey, type SshKeyAlgorithm } from "../ssh-keys.ts";

/** A key to certify. Its private half is known only when it was made here, not when its holder sent the public one. */
export interface X509Holder {
  publicKey: CryptoKey;
  privateKeyPem: string | undefined;
}

export interface SshHolder {
  publicBlob: Buffer;
  privateKey: string | undefined;
}

/** The SSH keys that go with a choice of X.509 keys: RSA throughout, or modern throughout. */
export function sshKeyType(keyType: X509KeyAlgorithm): SshKeyAlgorithm {
  return keyType === "rsa-2048" ? "rsa-2048" : "ed25519";
}

/** @throws SallyportError CONFIG_INVALID for a request that is refused */
export async function x509Holder(csr: string | undefined, keyType: X509KeyAlgorithm): Promise<X509Holder> {
  if (csr !== undefined) return { publicKey: await publicKeyOfRequest(csr), privateKeyPem: undefined };
  const { keyPair, privateKeyPem } = await generateX509Key(keyType);
  return { publicKey: keyPair.publicKey, privateKeyPem };
}

/** @throws SallyportError CONFIG_INVALID for a line that is no public key */
export async function sshHolder(line: string | undefined, keyType: X509KeyAlgorithm): Promise<SshHolder> {
  if (line !== undefined) return { publicBlob: parseSshPublicKey(line.trim()), privateKey: undefined };
  const { publicBlob, privateKey } = await generateSshKey(sshKeyType(keyType));
  return { publicBlob, privateKey };
}
