import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ProxyHeaderInvalid, readProxyHeader } from "../../../src/tunnel/proxy-header.ts";
import { proxyHeader, rawProxyHeader } from "../../support/load-balancer.ts";

const LOCAL = 0x20;
const PROXY = 0x21;

describe("a PROXY header", () => {
  test("says who connects by IPv4, whatever follows the addresses", () => {
    const header = proxyHeader("192.0.2.7", Buffer.from([0x20, 0, 1, 9]));
    const address = "192.0.2.7";
    expect(readProxyHeader(Buffer.concat([header, Buffer.from("SSH-2.0")]))).toEqual({
      address,
      length: header.length,
    });
  });

  test.each([
    ["20010db8000000000000000000000001", "2001:db8::1"],
    ["00000000000000000000ffffc0000207", "192.0.2.7"],
    ["fe800000000000000000000000000001", "fe80::1"],
  ])("says who connects by IPv6: %s", (hex, address) => {
    const body = Buffer.concat([Buffer.from(hex, "hex"), Buffer.alloc(20)]);
    expect(readProxyHeader(rawProxyHeader(PROXY, 0x21, body))?.address).toBe(address);
  });

  test("of a health check names nobody", () => {
    expect(readProxyHeader(rawProxyHeader(LOCAL, 0, Buffer.alloc(0)))).toEqual({
      address: undefined,
      length: 16,
    });
    expect(readProxyHeader(rawProxyHeader(LOCAL, 0x11, Buffer.alloc(12)))).toEqual({
      address: undefined,
      length: 28,
    });
  });

  test("is awaited while it is not whole", () => {
    const header = proxyHeader("192.0.2.7");
    for (let length = 0; length < header.length; length++) {
      expect(readProxyHeader(header.subarray(0, length))).toBeUndefined();
    }
  });

  test.each<[string, Buffer, RegExp]>([
    [
      "version 1",
      Buffer.from("PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n"),
      /version 1.*set the load balancer to version 2/,
    ],
    ["no header, but SSH", Buffer.from("S"), /there is none/],
    ["no header, but TLS", Buffer.from([0x16]), /there is none/],
    ["PROXY as a user's word", Buffer.from("PROXYx"), /there is none/],
    ["a signature that goes wrong late", Buffer.from("\r\n\r\n\0\r\nQUIX", "latin1"), /there is none/],
    ["another version", rawProxyHeader(0x31, 0x11, Buffer.alloc(12)), /version and command 0x31/],
    ["another command", rawProxyHeader(0x22, 0x11, Buffer.alloc(12)), /version and command 0x22/],
    ["an unspecified family", rawProxyHeader(PROXY, 0, Buffer.alloc(12)), /family 0x0/],
    ["datagrams", rawProxyHeader(PROXY, 0x12, Buffer.alloc(12)), /family 0x12/],
    ["unix sockets", rawProxyHeader(PROXY, 0x31, Buffer.alloc(216)), /family 0x31/],
    ["addresses cut short", rawProxyHeader(PROXY, 0x11, Buffer.alloc(11)), /in 11 bytes/],
    ["IPv6 addresses cut short", rawProxyHeader(PROXY, 0x21, Buffer.alloc(35)), /in 35 bytes/],
    ["too long a header", rawProxyHeader(PROXY, 0x11, Buffer.alloc(0), 4081), /it has 4097 bytes/],
  ])("B1 refuses %s at the first byte that shows it", (_, bytes, message) => {
    expect(() => readProxyHeader(bytes)).toThrow(ProxyHeaderInvalid);
    expect(() => readProxyHeader(bytes)).toThrow(message);
  });

  test("B1 of any bytes is read, awaited or refused, and never more than is there", () => {
    const anything = fc.uint8Array({ maxLength: 300 });
    const likely = fc
      .tuple(fc.constantFrom(LOCAL, PROXY, 0x11), fc.nat(255), anything, fc.nat(5000))
      .map(([command, family, body, length]) => rawProxyHeader(command, family, Buffer.from(body), length));
    fc.assert(
      fc.property(fc.oneof(anything.map(Buffer.from), likely), (bytes) => {
        try {
          expect(readProxyHeader(Buffer.from(bytes))?.length ?? 0).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(ProxyHeaderInvalid);
        }
      }),
    );
  });
});
