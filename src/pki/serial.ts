import { randomBytes } from "node:crypto";

/** 20 bytes with the top bit cleared: positive, and within the 20 octets of RFC 5280, 4.1.2.2. Hex. */
export function randomSerial(): string {
  const bytes = randomBytes(20);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.toString("hex");
}

/** The one spelling in which serials are stored and compared: lower-case hex without leading zeros. */
export function normalSerial(hex: string): string {
  return hex.toLowerCase().replace(/^0+(?=.)/, "");
}
