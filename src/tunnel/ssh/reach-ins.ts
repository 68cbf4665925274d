import Protocol from "ssh2/lib/protocol/Protocol.js";
import manifest from "ssh2/package.json" with { type: "json" };
import { SallyportError } from "../../telemetry/error.ts";
import { offer } from "./algorithms.ts";

const VERSION = "1.17.0";

/**
 * Makes sure that the insides of ssh2 that the transport reaches into are what it was written for.
 * @throws SallyportError INTERNAL
 */
export function assertSsh2(version: string = manifest.version): void {
  if (version !== VERSION) throw unfit(`it is version ${version}, not ${VERSION}`);
  const protocol = new Protocol({
    server: false,
    ident: "probe",
    offer: offer([]),
    messageHandlers: { DISCONNECT() {} },
    onWrite() {},
    onError() {},
    onHeader() {},
    onHandshakeComplete() {},
  });
  const fields: [string, unknown, string][] = [
    ["_cipher.allocPacket", protocol._cipher?.allocPacket, "function"],
    ["_cipher.encrypt", protocol._cipher?.encrypt, "function"],
    ["_onPayload", protocol._onPayload, "function"],
    ["_onHandshakeComplete", protocol._onHandshakeComplete, "function"],
    ["rekey", protocol.rekey, "function"],
    ["_decipher", protocol._decipher, "undefined"],
    ["_kex", protocol._kex, "undefined"],
    ["_kexinit", protocol._kexinit, "undefined"],
  ];
  for (const [name, value, type] of fields) {
    if (!(name.split(".")[0] ?? "" in protocol) || typeof value !== type)
      throw unfit(`its ${name} has changed`);
  }
}

/**
 * Lets `change` see and replace everything that ssh2 assigns to a field of a protocol: the ciphers and the key
 * exchange are new objects after every exchange.
 */
export function intercept<K extends "_cipher" | "_decipher" | "_kex">(
  protocol: Protocol,
  field: K,
  change: (value: Protocol[K]) => Protocol[K],
): void {
  let current = protocol[field];
  Object.defineProperty(protocol, field, {
    get: () => current,
    set: (value: Protocol[K]) => {
      current = change(value);
    },
  });
}

function unfit(why: string): SallyportError {
  return new SallyportError("INTERNAL", `This build carries an ssh2 that Sallyport does not know: ${why}.`);
}
