import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { PlatformClient } from "../../../src/platform-client/client.ts";
import { untrustedError } from "../../../src/platform-client/untrusted.ts";
import { mustRun } from "../../support/processes.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
beforeEach(async () => {
  workspace = await Workspace.open("trust");
});
afterEach(() => workspace.close());

/** An https platform whose certificate nobody knows. */
async function untrusted(): Promise<{ domain: string; caFile: string }> {
  const [key, certificate] = [workspace.join("key.pem"), workspace.join("cert.pem")];
  await mustRun([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-keyout", key, "-out", certificate, "-days", "1", "-subj", "/CN=Office Root"],
    ...["-addext", "subjectAltName=IP:127.0.0.1"],
  ]);
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { key: Bun.file(key), cert: Bun.file(certificate) },
    fetch: () => Response.json([]),
  });
  workspace.defer(() => server.stop(true));
  return { domain: `https://127.0.0.1:${server.port}`, caFile: certificate };
}

describe("which platform certificates are trusted", () => {
  test("an unknown authority is named with the flag that helps", async () => {
    const { domain } = await untrusted();
    const failure = new PlatformClient({ domain }).relays.list();
    await expect(failure).rejects.toMatchObject({ code: "TLS_UNTRUSTED" });
    await expect(failure).rejects.toThrow('issued by "Office Root"');
    await expect(failure).rejects.toThrow("--ca-file");
  });

  test("the same authority given with --ca-file is trusted, time after time", async () => {
    const { domain, caFile } = await untrusted();
    const client = new PlatformClient({ domain, caFile });
    expect(await client.relays.list()).toEqual([]);
    expect(await client.relays.list()).toEqual([]);
  });

  test("a name that the certificate does not have is not trusted", async () => {
    const { domain, caFile } = await untrusted();
    const client = new PlatformClient({ domain: domain.replace("127.0.0.1", "localhost"), caFile });
    const failure = client.relays.list();
    await expect(failure).rejects.toMatchObject({ code: "TLS_UNTRUSTED" });
    await expect(failure).rejects.toThrow(/is made out to other names \(127\.0\.0\.1\): use a name in it/);
    await expect(failure).rejects.not.toThrow(/--ca-file|verbose/);
  });

  test.each([
    ["CERT_HAS_EXPIRED", "has expired"],
    ["CERT_NOT_YET_VALID", "is not valid yet"],
  ])("%s is about time, not about authorities", async (code, words) => {
    const error = await untrustedError("https://x.example", Object.assign(new Error("no"), { code }), false);
    expect(error.message).toContain(words);
    expect(error.message).toContain("clock");
    expect(error.message).not.toContain("--ca-file");
  });

  test("a platform that shows its certificate byte by byte, without end, is not looked at for long", async () => {
    const record = Buffer.from([22, 3, 3, 64, 0]);
    const server = createServer((socket) => {
      socket.on("error", () => {}).write(record);
      const trickle = setInterval(() => socket.write(Buffer.of(2)), 200);
      socket.on("close", () => clearInterval(trickle));
    });
    workspace.defer(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const untold = Object.assign(new Error("no"), { code: "SELF_SIGNED_CERT_IN_CHAIN" });
    const error = await untrustedError(`https://127.0.0.1:${port}`, untold, true);
    expect(error.message).toStartWith(`The certificate of https://127.0.0.1:${port} is not trusted`);
  }, 30_000);

  test("a CA file that is missing or holds no certificate is named", async () => {
    const { domain } = await untrusted();
    const missing = new PlatformClient({ domain, caFile: workspace.join("nowhere.pem") });
    await expect(missing.relays.list()).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    const empty = new PlatformClient({ domain, caFile: await workspace.file("empty.pem", "") });
    await expect(empty.relays.list()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});
