import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ClientCredentials } from "../../../src/pki/credentials.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import type { ByteStream } from "../../../src/tunnel/stream.ts";
import { listenOuterTls, type OuterTlsListener } from "../../../src/tunnel/tls/outer-server.ts";
import { runProcess } from "../../support/processes.ts";
import { testPki } from "../../support/test-pki.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
let relay: OuterTlsListener;
let client: ClientCredentials;
let accepted = 0;

beforeAll(async () => {
  workspace = await Workspace.open("openssl");
  const pki = await testPki();
  const { tls } = await pki.relay();
  client = await pki.client();
  await workspace.file("client.pem", client.relay.certificate);
  await workspace.file("client.key", client.relay.privateKey);
  await workspace.file("bundle.pem", client.relay.serverAuthorities);
  relay = await listenOuterTls({
    hostname: "127.0.0.1",
    port: 0,
    credentials: () => tls,
    log: silentLogger,
    onConnection({ stream }) {
      accepted++;
      answerOnce(stream);
    },
  });
});
afterAll(async () => {
  relay.close();
  await workspace.close();
});

const WITH_CERTIFICATE = ["-cert", "client.pem", "-key", "client.key"];

/** Sends the first thing back that comes, and ends: then the client ends too. */
function answerOnce(stream: ByteStream): void {
  stream.attach({
    data(chunk) {
      stream.consumed(chunk.length);
      stream.write(chunk);
      stream.end();
    },
    end: () => stream.end(),
    written() {},
    closed() {},
  });
}

/** What `openssl s_client` prints when it sends a line and then ends. */
async function dial(...flags: string[]) {
  const target = ["-connect", `127.0.0.1:${relay.port}`, "-CAfile", "bundle.pem", "-verify_return_error"];
  const command = ["openssl", "s_client", ...target, "-ign_eof", ...flags];
  const { stdout, stderr } = await runProcess(command, {
    cwd: workspace.path,
    input: "hello relay\n",
  });
  return stdout + stderr;
}

describe("OpenSSL's client", () => {
  test.each([["-tls1_2"], ["-tls1_3"]])("is served with %s", async (version) => {
    const before = accepted;
    const shown = await dial(version, ...WITH_CERTIFICATE);
    expect(shown).toContain("Verify return code: 0 (ok)");
    expect(shown).toContain("hello relay");
    expect(accepted).toBe(before + 1);
  });

  test("is not served with an older TLS", async () => {
    const before = accepted;
    await dial("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", ...WITH_CERTIFICATE);
    expect(accepted).toBe(before);
  });

  test("PROTOCOL C.3 is shown the leaf only", async () => {
    const shown = await dial("-showcerts", ...WITH_CERTIFICATE);
    expect(shown.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
  });

  test("PROTOCOL 0.1 may offer protocols that the relay does not know", async () => {
    const shown = await dial("-alpn", "h2,http/1.1", ...WITH_CERTIFICATE);
    expect(shown).toContain("No ALPN negotiated");
    expect(shown).toContain("hello relay");
  });

  test("X5 is answered where it offers sallyport-relay/1", async () => {
    expect(await dial("-alpn", "h2,sallyport-relay/1", ...WITH_CERTIFICATE)).toContain(
      "ALPN protocol: sallyport-relay/1",
    );
  });

  test("B3 is not served without a certificate", async () => {
    const before = accepted;
    expect(await dial()).not.toContain("hello relay");
    expect(accepted).toBe(before);
  });

  test("B3 is given no ticket with TLS 1.3", async () => {
    const shown = await dial("-tls1_3", ...WITH_CERTIFICATE);
    expect(shown).toContain("hello relay");
    expect(shown).not.toContain("New Session Ticket arrived");
  });

  test("B3 resumes nothing with TLS 1.2", async () => {
    const shown = await dial("-tls1_2", "-reconnect", ...WITH_CERTIFICATE);
    expect(shown.match(/^New, TLSv1\.2/gm)?.length).toBeGreaterThan(1);
    expect(shown).not.toMatch(/^Reused/m);
  });
});
