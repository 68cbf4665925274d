import { parseArgs } from "node:util";
import { readClientDirectory, readGatewayDirectory } from "../../src/pki/directory.ts";
import { parseSshPublicKey } from "../../src/pki/ssh-keys.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { dialSsh } from "../../src/tunnel/ssh/dial.ts";
import { WindowBudget } from "../../src/tunnel/ssh/window.ts";
import { dialOuterTls } from "../../src/tunnel/tls/outer-client.ts";
import { Inbox } from "./byte-stream.ts";

/**
 * Honest logins one after the other, as a program for a network namespace: a gateway's and a client's in turn, each
 * tried once. Prints `{"ssh": [worked, tried], "tls": [worked, tried]}`.
 */
const { values } = parseArgs({
  options: {
    gateway: { type: "string" },
    client: { type: "string" },
    rounds: { type: "string" },
    /** Milliseconds between rounds. */
    pause: { type: "string" },
  },
});
const gateway = await readGatewayDirectory(values.gateway ?? "");
const client = await readClientDirectory(values.client ?? "");
const [relay] = gateway.relays;
if (!relay) throw new Error("the gateway knows no relay");
const result = { ssh: [0, 0], tls: [0, 0] };

async function asGateway(): Promise<void> {
  if (!relay) return;
  const session = await dialSsh({
    host: relay.host,
    port: relay.sshPort,
    username: gateway.gatewayId,
    identity: relay.ssh,
    hostAuthorities: relay.hostAuthorities.map(parseSshPublicKey),
    hostPrincipal: `${relay.host}:${relay.sshPort}`,
    onChannel: (request) => request.reject(1, "nobody is served here"),
    budget: new WindowBudget(),
    log: silentLogger,
    timeoutMs: 20_000,
  });
  session.disconnect(11, "done");
}

/** Also the word that its gateway is not there comes only after the login. */
async function asClient(): Promise<void> {
  const { relayHost: host, relayPort: port, relay: identity } = client;
  const { stream } = await dialOuterTls({ host, port, identity, timeoutMs: 20_000 });
  const answer = await new Inbox(stream).until(3);
  stream.destroy();
  if (answer === "") throw new Error("closed without a word");
}

async function count(kind: "ssh" | "tls", login: () => Promise<void>): Promise<void> {
  const counts = result[kind];
  counts[1] = (counts[1] ?? 0) + 1;
  try {
    await login();
    counts[0] = (counts[0] ?? 0) + 1;
  } catch (error) {
    process.stderr.write(`${kind}: ${error instanceof Error ? error.message : error}\n`);
  }
}

for (let i = 0; i < Number(values.rounds); i++) {
  await count("ssh", asGateway);
  await count("tls", asClient);
  await Bun.sleep(Number(values.pause ?? 0));
}
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
