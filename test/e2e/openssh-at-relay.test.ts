import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type Network, startNetwork } from "../support/network.ts";
import { runSsh } from "../support/openssh.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(60_000);

let workspace: Workspace;
let network: Network;
let gatewayId: string;
let directory: string;

beforeAll(async () => {
  workspace = await Workspace.open("openssh-relay");
  network = await startNetwork(workspace, { build: "binary" });
  directory = workspace.join("visitor");
  const { ca } = network.directories;
  const at = `127.0.0.1:${network.relayPorts.ssh}`;
  await network.sallyport(
    "ca",
    "issue",
    "gateway",
    "visitor",
    "--relay-host",
    at,
    "--dir",
    ca,
    "--out",
    directory,
  );
  const identity: unknown = JSON.parse(await readFile(join(directory, "identity.json"), "utf8"));
  gatewayId = z.object({ gatewayId: z.string() }).parse(identity).gatewayId;
});
afterAll(() => workspace.close());

/** What OpenSSH's client says when it logs in at the relay as the gateway "visitor"; the session itself is refused. */
async function logIn(authority: string, ...settings: string[]): Promise<string> {
  const port = network.relayPorts.ssh;
  const { stderr } = await runSsh(workspace, {
    port,
    user: gatewayId,
    key: { path: join(directory, "ssh-key"), publicLine: "", privateKey: "" },
    knownHosts: `@cert-authority * ${authority}`,
    settings: [
      `CertificateFile=${join(directory, "ssh-certificate-edge.pub")}`,
      // The relay's certificate names host and port in one; OpenSSH looks for the host alone.
      `HostKeyAlias=127.0.0.1:${port}`,
      ...settings,
    ],
    command: ["true"],
  });
  return stderr;
}

const hostAuthority = async () =>
  (await readFile(join(directory, "ssh-host-authorities.pub"), "utf8")).trim();

test.each([
  ["its own algorithms", []],
  [
    "those of Infisical's gateway",
    ["KexAlgorithms=diffie-hellman-group14-sha256", "Ciphers=aes128-ctr", "MACs=hmac-sha2-256"],
  ],
])("OpenSSH's client logs in at the relay with %s and trusts its host certificate", async (_, settings) => {
  expect(await logIn(await hostAuthority(), ...settings)).toContain("Authenticated to 127.0.0.1");
});

test("OpenSSH's client does not trust the relay by another authority", async () => {
  const users = (await readFile(join(network.directories.relay, "ssh-user-authorities.pub"), "utf8")).trim();
  const said = await logIn(users);
  expect(said).not.toContain("Authenticated to");
  expect(said).toContain("Host key verification failed");
});
