import { join, resolve } from "node:path";
import { writeFileWhole } from "../../host/atomic-file.ts";
import { claimDirectory } from "./claim-directory.ts";
import type { Trust } from "./trust.ts";

/** The trust anchors by file name: what others need to verify this CA's certificates. Nothing secret. */
export function trustAnchorFiles(trust: Trust): Record<string, string> {
  return {
    "relay-client-authorities.pem": trust.relayClient,
    "relay-server-authorities.pem": trust.relayServer,
    "gateway-client-authorities.pem": trust.gatewayClient,
    "gateway-server-authorities.pem": trust.gatewayServer,
    "ssh-user-authorities.pub": `${trust.sshClient.join("\n")}\n`,
    "ssh-host-authorities.pub": `${trust.sshServer.join("\n")}\n`,
  };
}

/** @throws SallyportError ALREADY_EXISTS, FILE_UNWRITABLE */
export async function exportTrustAnchors(trust: Trust, out: string): Promise<string[]> {
  const directory = resolve(out);
  const files = trustAnchorFiles(trust);
  await claimDirectory(directory, (name) => Object.hasOwn(files, name));
  for (const [name, content] of Object.entries(files)) await writeFileWhole(join(directory, name), content);
  return Object.keys(files).map((name) => join(directory, name));
}
