import { randomBytes } from "node:crypto";
import { protocolError } from "./messages.ts";

/** The 2048-bit MODP group (RFC 3526, section 3), generator 2. */
const P = BigInt(
  "0xFFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B" +
    "302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649" +
    "286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C" +
    "354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718399549" +
    "7CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF",
);
const LENGTH = 256;
/** Twice the strength of the 256 bits that the hash gives (RFC 4419, 6.2 asks for twice the key bits). */
const EXPONENT_BYTES = 64;
/** Exponents are read this many bits at a time. */
const WINDOW_BITS = 5n;

/**
 * diffie-hellman-group14-sha256 without OpenSSL's DH: under Bun 1.4.5 its constructors block the event loop for 0.45 s,
 * this takes 2 to 3 ms.
 */
export class Group14 {
  readonly prime = P;
  readonly #exponent = BigInt(`0x${randomBytes(EXPONENT_BYTES).toString("hex")}`) | (1n << 511n);
  readonly publicKey = toBytes(power(2n, this.#exponent));

  /** @throws SallyportError SSH_PROTOCOL unless 2 <= other <= p-2 (RFC 8268, 4) */
  computeSecret(other: Buffer): Buffer {
    if (other.length === 0 || other.length > LENGTH + 1)
      throw protocolError("a Diffie-Hellman value out of range");
    const value = BigInt(`0x${other.toString("hex")}`);
    if (value < 2n || value > P - 2n) throw protocolError("a Diffie-Hellman value out of range");
    return toBytes(power(value, this.#exponent));
  }
}

/** base^exponent mod p, five bits of the exponent at a time. */
function power(base: bigint, exponent: bigint): bigint {
  const powers = [1n];
  for (let i = 1; i < 1 << Number(WINDOW_BITS); i++) powers.push(((powers[i - 1] ?? 1n) * base) % P);
  const mask = (1n << WINDOW_BITS) - 1n;
  let result = 1n;
  for (let shift = (511n / WINDOW_BITS) * WINDOW_BITS; shift >= 0n; shift -= WINDOW_BITS) {
    for (let i = 0n; i < WINDOW_BITS; i++) result = (result * result) % P;
    result = (result * (powers[Number((exponent >> shift) & mask)] ?? 1n)) % P;
  }
  return result;
}

function toBytes(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * LENGTH, "0"), "hex");
}
