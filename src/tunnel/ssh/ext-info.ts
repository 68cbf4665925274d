import { SshWriter } from "../../pki/ssh-wire.ts";
import { MESSAGE } from "./messages.ts";

/** Plain names of every signature that a user's certificate may come with; Go picks SHA-1 for RSA without this list. */
const SIGNATURES = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
];

/** SSH_MSG_EXT_INFO (RFC 8308) of a server. */
export function extInfoMessage(): Buffer {
  const writer = new SshWriter().byte(MESSAGE.extInfo).uint32(1);
  return writer.string("server-sig-algs").string(SIGNATURES.join(",")).toBuffer();
}
