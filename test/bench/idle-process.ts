import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { readGatewayDirectory } from "../../src/pki/directory.ts";
import { SshAuthority } from "../../src/pki/ssh-authority.ts";
import { generateSshKey, parseSshPublicKey } from "../../src/pki/ssh-keys.ts";
import { issueGatewayUserCertificate } from "../../src/pki/ssh-profiles.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { dialSsh } from "../../src/tunnel/ssh/dial.ts";
import { WindowBudget } from "../../src/tunnel/ssh/window.ts";

/**
 * Many gateways in one process, each with a tunnel that nobody uses: `bun idle-process.ts <gateway directory>
 * <authority's private key file> <count>`. Prints `{"loginsPerSecond"}` when all are up and then holds them.
 */
const [directory = "", authorityFile = "", count = "0"] = process.argv.slice(2);

/** Below the relay's limit of unauthenticated connections per address. */
const PARALLEL = 6;

const authority = SshAuthority.from(await readFile(authorityFile, "utf8"));
const key = await generateSshKey();
const relay = (await readGatewayDirectory(directory)).relays[0];
if (!relay) throw new Error(`${directory} names no relay`);
const { host, sshPort, relayName } = relay;
const hostAuthorities = relay.hostAuthorities.map(parseSshPublicKey);
const budget = new WindowBudget();

const started = performance.now();
let left = Number(count);
await Promise.all(
  Array.from({ length: PARALLEL }, async () => {
    while (left-- > 0) await login();
  }),
);
const seconds = (performance.now() - started) / 1000;
process.stdout.write(`${JSON.stringify({ loginsPerSecond: Number(count) / seconds })}\n`);

async function login(): Promise<void> {
  const gatewayId = randomUUID();
  const { line } = issueGatewayUserCertificate(authority, {
    gatewayId,
    relayName: relayName ?? "",
    publicBlob: key.publicBlob,
  });
  await dialSsh({
    host,
    port: sshPort,
    username: gatewayId,
    identity: { certificate: line, privateKey: key.privateKey },
    hostAuthorities,
    hostPrincipal: `${host}:${sshPort}`,
    onChannel: (request) => request.reject(1, "idle"),
    budget,
    log: silentLogger,
  });
}
