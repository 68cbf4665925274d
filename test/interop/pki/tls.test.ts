import { expect, test } from "bun:test";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import type { X509Identity } from "../../../src/pki/credentials.ts";
import { testPki } from "../../support/test-pki.ts";

type Side = X509Identity & { authorities: string };

/** A mutual TLS handshake on loopback; what the server says about the client, or the error that stopped it. */
async function handshake(server: Side, client: Side, servername: string): Promise<string> {
  const listener = createServer(
    {
      cert: server.certificate,
      key: server.privateKey,
      ca: server.authorities,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (socket) => socket.end(socket.authorized ? "authorized" : "refused"),
  );
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const socket: TLSSocket = connect({
    host: "127.0.0.1",
    port,
    servername,
    cert: client.certificate,
    key: client.privateKey,
    ca: client.authorities,
  });
  try {
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    return text;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    socket.destroy();
    listener.close();
  }
}

for (const x509 of ["ecdsa-p256", "rsa-2048"] as const) {
  test(`${x509}: both hops of a connection shake hands with the leaf alone and the bundles`, async () => {
    const pki = await testPki("main", { x509 });
    const relay = await pki.relay({ x509, host: "localhost" });
    const gateway = await pki.gateway({ x509 });
    const client = await pki.client({ x509 });
    const outer = [
      { ...relay.tls, authorities: relay.tls.clientAuthorities },
      { ...client.relay, authorities: client.relay.serverAuthorities },
    ] as const;
    const inner = [
      { ...gateway.tls, authorities: gateway.tls.clientAuthorities },
      { ...client.gateway, authorities: client.gateway.serverAuthorities },
    ] as const;
    expect(await handshake(...outer, "localhost")).toBe("authorized");
    expect(await handshake(...inner, "localhost")).toBe("authorized");
    expect(await handshake(outer[0], inner[1], "localhost")).not.toBe("authorized");
    expect(await handshake(inner[0], outer[1], "localhost")).not.toBe("authorized");
  });
}

test("B3 a client of another organisation, of another instance or with an expired certificate is refused", async () => {
  const relay = await (await testPki()).relay({ host: "localhost" });
  const server = { ...relay.tls, authorities: relay.tls.clientAuthorities };
  const expired = { now: new Date(Date.now() - 3_600_000), ttlSeconds: 60 };
  for (const [pki, wish] of [
    [await testPki("other-organisation"), {}],
    [await testPki("other-instance"), {}],
    [await testPki(), expired],
  ] as const) {
    const { relay: identity } = await pki.client(wish);
    const trusting = (await (await testPki()).client()).relay.serverAuthorities;
    expect(await handshake(server, { ...identity, authorities: trusting }, "localhost")).not.toBe(
      "authorized",
    );
  }
});
