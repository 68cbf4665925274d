import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createPublicKey } from "node:crypto";
import { stat } from "node:fs/promises";
import { publicKeyOfRequest } from "../../../src/pki/csr.ts";
import { issueRelayServerLeaf } from "../../../src/pki/leaf-profiles.ts";
import { parseSshPublicKey } from "../../../src/pki/ssh-keys.ts";
import { issueRelayHostCertificate } from "../../../src/pki/ssh-profiles.ts";
import type { RelayConnect } from "../../../src/platform-client/calls/relay-agent.ts";
import type { PublicParts } from "../../../src/platform-client/own-keys.ts";
import { platformSource } from "../../../src/relay/platform-source.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { RELAY_HOST, RELAY_NAME, RelayLab } from "../../support/relay.ts";
import { Workspace } from "../../support/workspace.ts";

const RELAY_ID = "11111111-2222-4333-8444-555555555555";
const away = new SallyportError("PLATFORM_UNREACHABLE", "away");

let lab: RelayLab;
let workspace: Workspace;

beforeAll(async () => {
  lab = await RelayLab.create();
});
beforeEach(async () => {
  workspace = await Workspace.open("relay-source");
});
afterEach(() => workspace.close());

/** A platform that signs what it is sent, as ours does. */
async function ours(parts: PublicParts): Promise<RelayConnect> {
  const { relayServer, relayClient, sshServer, sshClient } = lab.organisation;
  const leaf = await issueRelayServerLeaf(relayServer, {
    host: RELAY_HOST,
    organisation: lab.orgId,
    publicKey: await publicKeyOfRequest(parts.csr ?? ""),
  });
  const publicBlob = parseSshPublicKey(parts.sshPublicKey ?? "");
  const host = issueRelayHostCertificate(sshServer, { host: RELAY_HOST, sshPort: 2222, publicBlob });
  return {
    relayId: RELAY_ID,
    pki: { serverCertificate: leaf.certificate, clientCertificateChain: relayClient.chainPem },
    ssh: {
      serverCertificate: host.line,
      clientCAPublicKey: `${sshClient.publicLine}\n${sshServer.publicLine}\n`,
    },
  };
}

/** Infisical's ignores the public parts and sends private keys. */
async function theirs(): Promise<RelayConnect> {
  const { tls, ssh, relayId } = await lab.relayCredentials();
  return {
    relayId,
    pki: {
      serverCertificate: tls.certificate,
      serverPrivateKey: tls.privateKey,
      clientCertificateChain: tls.clientAuthorities,
    },
    ssh: {
      serverCertificate: ssh.host.certificate,
      serverPrivateKey: ssh.host.privateKey,
      clientCAPublicKey: ssh.userAuthorities.join("\n"),
    },
  };
}

function source(
  connect: (parts: PublicParts) => Promise<RelayConnect>,
  options: { clock?: FakeClock; random?: () => number; relayId?: string; relayName?: string } = {},
) {
  return platformSource({
    connect,
    relayName: RELAY_NAME,
    stateDirectory: workspace.join("state"),
    log: silentLogger,
    ...options,
  });
}

describe("credentials from a platform", () => {
  test("X1 are for keys that never leave the machine", async () => {
    let sent: PublicParts = {};
    const credentials = await source((parts) => {
      sent = parts;
      return ours(parts);
    }).load();
    expect(JSON.stringify(sent)).not.toContain("PRIVATE");
    const request = await crypto.subtle.exportKey("spki", await publicKeyOfRequest(sent.csr ?? ""));
    const own = createPublicKey(credentials.tls.privateKey).export({ type: "spki", format: "der" });
    expect(Buffer.from(request).equals(own)).toBe(true);
    expect(credentials).toMatchObject({ relayId: RELAY_ID, relayName: RELAY_NAME, host: RELAY_HOST });
    expect(credentials.ssh.userAuthorities).toHaveLength(2);
  });

  test("use the private keys that Infisical's platform sends", async () => {
    const answer = await theirs();
    const credentials = await source(() => Promise.resolve(answer)).load();
    expect(credentials.tls.privateKey).toBe(answer.pki.serverPrivateKey ?? "missing");
    expect(credentials.ssh.host.privateKey).toBe(answer.ssh.serverPrivateKey ?? "missing");
  });

  test("are refused when they are for another key", async () => {
    const { serverPrivateKey, ...pki } = (await theirs()).pki;
    expect(serverPrivateKey).toBeDefined();
    const mixed = source(async (parts) => ({ ...(await ours(parts)), pki }));
    await expect(mixed.load()).rejects.toMatchObject({ code: "PLATFORM_ERROR" });
  });

  test("are refused when the platform knows the relay by another name", async () => {
    const renamed = source(async (parts) => ({ ...(await ours(parts)), relayName: "relay-2" }));
    await expect(renamed.load()).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("relay-2"),
    });
  });
});

describe("F5 with the platform away", () => {
  test("a restart uses the certificates kept from before, and asks again after 30 s", async () => {
    const before = await source(ours).load();
    const file = await stat(workspace.join("state/credentials.json"));
    expect(file.mode & 0o777).toBe(0o600);
    const clock = new FakeClock(Date.now());
    const restarted = source(() => Promise.reject(away), { clock, relayId: RELAY_ID });
    let stale = 0;
    restarted.onStale(() => stale++);
    expect(await restarted.load()).toEqual(before);
    await clock.advance(30_000);
    expect(stale).toBe(1);
    await expect(restarted.load()).rejects.toBe(away);
    restarted.close();
  });

  test("a first start fails with the reason", async () => {
    await expect(source(() => Promise.reject(away)).load()).rejects.toBe(away);
  });

  test("a restart with a platform that does not even answer takes 5 s", async () => {
    const before = await source(ours).load();
    const clock = new FakeClock(Date.now());
    const restarted = source(() => new Promise(() => undefined), { clock });
    const loading = restarted.load();
    while (clock.sleeping === 0) await Bun.sleep(1);
    await clock.advance(5_000);
    expect(await loading).toEqual(before);
    restarted.close();
  });

  test("with expired certificates it waits, and starts as soon as the platform is back", async () => {
    await source(ours).load();
    const tomorrow = new FakeClock(Date.now() + 25 * 3_600_000);
    let calls = 0;
    let isBack = false;
    const connect = (parts: PublicParts) => {
      calls++;
      return isBack ? ours(parts) : Promise.reject(away);
    };
    const restarted = source(connect, { clock: tomorrow, random: () => 0 });
    const loading = restarted.load();
    for (let wanted = 1; wanted < 100; wanted++) {
      while (calls < wanted || tomorrow.sleeping === 0) await Bun.sleep(0);
      await tomorrow.advance(9_000);
    }
    isBack = true;
    while (tomorrow.sleeping === 0) await Bun.sleep(0);
    await tomorrow.advance(9_000);
    expect(await loading).toMatchObject({ relayId: RELAY_ID });
  });

  test("a platform that is there and refuses ends the waiting, and so does closing", async () => {
    await source(ours).load();
    const clock = new FakeClock(Date.now() + 25 * 3_600_000);
    const refusal = new SallyportError("UNAUTHENTICATED", "revoked");
    await expect(source(() => Promise.reject(refusal), { clock }).load()).rejects.toBe(refusal);
    const waiting = source(() => Promise.reject(away), { clock });
    const loading = waiting.load();
    while (clock.sleeping === 0) await Bun.sleep(0);
    waiting.close();
    await expect(loading).rejects.toMatchObject({ code: "DRAINING" });
    expect(clock.sleeping).toBe(0);
  });

  test("certificates of another relay are not used", async () => {
    await source(ours).load();
    const offline = () => Promise.reject(away);
    await expect(source(offline, { relayId: "another" }).load()).rejects.toBe(away);
    await expect(source(offline, { relayName: "relay-2" }).load()).rejects.toBe(away);
  });

  test("F16 a damaged file is as good as none", async () => {
    await workspace.file("state/credentials.json", '{"relayId": 1');
    await expect(source(() => Promise.reject(away)).load()).rejects.toBe(away);
  });

  test("a refusal is no absence: revoked relays do not start from their files", async () => {
    await source(ours).load();
    const refusal = new SallyportError("UNAUTHENTICATED", "revoked");
    await expect(source(() => Promise.reject(refusal)).load()).rejects.toBe(refusal);
  });

  test("F10 a state directory that can't be written does not stop the relay", async () => {
    await workspace.file("state", "a file in the way");
    expect(await source(ours).load()).toMatchObject({ relayId: RELAY_ID });
  });

  test("closing ends the waiting", async () => {
    await source(ours).load();
    const clock = new FakeClock(Date.now());
    const restarted = source(() => Promise.reject(away), { clock });
    await restarted.load();
    restarted.close();
    await settle();
    expect(clock.sleeping).toBe(0);
  });
});
