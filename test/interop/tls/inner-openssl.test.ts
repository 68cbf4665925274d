import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ClientCredentials } from "../../../src/pki/credentials.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { ALPN } from "../../../src/tunnel/alpn.ts";
import { SocketStream, streamEvents } from "../../../src/tunnel/socket.ts";
import { dialInnerTls } from "../../../src/tunnel/tls/inner-client.ts";
import { openInnerTlsServer } from "../../../src/tunnel/tls/inner-server.ts";
import { Inbox } from "../../support/byte-stream.ts";
import { freePort, waitForPort } from "../../support/ports.ts";
import { runProcess, startProcess } from "../../support/processes.ts";
import { connectTcp } from "../../support/tcp-pair.ts";
import { GATEWAY_ID, testPki } from "../../support/test-pki.ts";
import { Workspace } from "../../support/workspace.ts";

/** Another TLS implementation at the other end of the inner session, which sends tickets and chooses other suites. */
let workspace: Workspace;
let client: ClientCredentials;
const SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

beforeAll(async () => {
  workspace = await Workspace.open("inner-openssl");
  const pki = await testPki();
  client = await pki.client();
  const { tls } = await pki.gateway();
  await workspace.file("server.pem", tls.certificate);
  await workspace.file("server.key", tls.privateKey);
  await workspace.file("clients.pem", tls.clientAuthorities);
  await workspace.file("client.pem", client.gateway.certificate);
  await workspace.file("client.key", client.gateway.privateKey);
  await workspace.file("servers.pem", client.gateway.serverAuthorities);
});
afterAll(() => workspace.close());

/** As FIPS builds do, which know no X25519: the server asks for a second hello (RFC 8446, 4.1.4). */
test.each(["P-256", "P-384"])("our client speaks with a server that wants %s", async (group) => {
  const port = freePort();
  const files = ["-cert", "server.pem", "-key", "server.key", "-CAfile", "clients.pem"];
  const rules = ["-Verify", "3", "-verify_return_error", "-tls1_3", "-groups", group, "-alpn", ALPN.tcp];
  const accept = ["-accept", `127.0.0.1:${port}`, "-rev", "-naccept", "2"];
  await using server = owned(
    startProcess(["openssl", "s_server", ...accept, ...files, ...rules], { cwd: workspace.path }),
  );
  await waitForPort(port);
  const { stream } = await dialInnerTls(await connectTcp(port), {
    identity: client.gateway,
    alpns: [ALPN.tcp],
    gatewayId: GATEWAY_ID,
    requireUri: true,
    timeoutMs: 5000,
  });
  const inbox = new Inbox(stream);
  inbox.write("stressed\n");
  expect(await inbox.until(9)).toBe("desserts\n");
  stream.destroy();
  expect(server.pid).toBeGreaterThan(0);
});

describe.each(SUITES)("%s", (suite) => {
  test("our client speaks with OpenSSL's server, tickets included", async () => {
    const port = freePort();
    const files = ["-cert", "server.pem", "-key", "server.key", "-CAfile", "clients.pem"];
    const rules = [
      "-Verify",
      "3",
      "-verify_return_error",
      "-tls1_3",
      "-ciphersuites",
      suite,
      "-alpn",
      ALPN.tcp,
    ];
    await using server = owned(
      startProcess(
        ["openssl", "s_server", "-accept", `127.0.0.1:${port}`, ...files, ...rules, "-rev", "-naccept", "2"],
        {
          cwd: workspace.path,
        },
      ),
    );
    await waitForPort(port);
    const { stream, alpn } = await dialInnerTls(await connectTcp(port), {
      identity: client.gateway,
      alpns: [ALPN.sallyportTcp, ALPN.tcp],
      gatewayId: GATEWAY_ID,
      requireUri: true,
      timeoutMs: 5000,
    });
    expect(alpn).toBe(ALPN.tcp);
    const inbox = new Inbox(stream);
    inbox.write("stressed\n");
    expect(await inbox.until(9)).toBe("desserts\n");
    stream.destroy();
    expect(server.pid).toBeGreaterThan(0);
  });

  test("our server speaks with OpenSSL's client", async () => {
    const { tls } = await (await testPki()).gateway();
    const server = openInnerTlsServer({
      credentials: () => tls,
      alpns: [ALPN.tcp],
      log: silentLogger,
      onConnection: ({ stream }) =>
        stream.attach({
          data(chunk) {
            stream.consumed(chunk.length);
            stream.write(chunk);
            stream.end();
          },
          end: () => stream.end(),
          written() {},
          closed() {},
        }),
    });
    const listener = Bun.listen<SocketStream | undefined>({
      hostname: "127.0.0.1",
      port: 0,
      allowHalfOpen: true,
      socket: {
        ...streamEvents,
        open(socket) {
          const stream = new SocketStream();
          socket.data = stream;
          stream.open(socket);
          server.accept(stream);
        },
      },
    });
    const target = [
      "-connect",
      `127.0.0.1:${listener.port}`,
      "-CAfile",
      "servers.pem",
      "-verify_return_error",
    ];
    const who = ["-cert", "client.pem", "-key", "client.key", "-alpn", ALPN.tcp, "-ciphersuites", suite];
    try {
      const { stdout } = await runProcess(
        ["openssl", "s_client", "-brief", "-quiet", "-tls1_3", ...target, ...who],
        {
          cwd: workspace.path,
          input: "there and back\n",
        },
      );
      expect(stdout).toBe("there and back\n");
    } finally {
      listener.stop(true);
      server.close();
    }
  });
});

/** Ends the process when the block is left. */
function owned<T extends { close(): Promise<void> }>(process: T): T & AsyncDisposable {
  return Object.assign(process, { [Symbol.asyncDispose]: () => process.close() });
}
