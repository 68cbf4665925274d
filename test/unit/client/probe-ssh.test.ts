import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { probeRelaySsh } from "../../../src/client/probe-ssh.ts";
import type { Relay } from "../../../src/relay/relay.ts";
import { RelayLab, startLabRelay } from "../../support/relay.ts";

let relay: Relay;
let port: number;
let authority: string;
let other: string;
beforeAll(async () => {
  const lab = await RelayLab.create();
  ({ relay } = await startLabRelay(await lab.relayCredentials()));
  port = relay.sshPort;
  authority = lab.organisation.sshServer.publicLine;
  other = (await RelayLab.create({ neighbourOf: lab })).organisation.sshServer.publicLine;
});
afterAll(() => relay.close());

const look = (more: Partial<Parameters<typeof probeRelaySsh>[0]> = {}, timeoutMs = 5000) =>
  probeRelaySsh(
    { host: "127.0.0.1", address: "127.0.0.1", port, hostAuthorities: [authority], ...more },
    { timeoutMs },
  );

describe("a look at a relay's SSH port", () => {
  test("is good when it proves to be this relay", async () => {
    expect((await look()).banner).toStartWith("SSH-2.0-");
    expect((await look({ hostAuthorities: [other, authority] })).banner).not.toBe("");
  });

  test("B11 is refused for a host certificate of another authority, and for another host's", async () => {
    await expect(look({ hostAuthorities: [other] })).rejects.toMatchObject({
      code: "HOST_CERTIFICATE_REFUSED",
    });
    await expect(look({ host: "relay.example.com" })).rejects.toMatchObject({
      code: "HOST_CERTIFICATE_REFUSED",
    });
  });

  test("says when nothing listens, when nobody answers, and when it is no SSH", async () => {
    const server = createServer((socket) => socket.on("error", () => socket.destroy()));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const silent = typeof address === "object" && address ? address.port : 0;
    await expect(look({ port: silent }, 300)).rejects.toMatchObject({ code: "TIMEOUT" });
    server.on("connection", (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await expect(look({ port: silent }, 3000)).rejects.toMatchObject({
      code: expect.stringMatching(/SSH_PROTOCOL|RELAY_UNREACHABLE/),
    });
    server.close();
    await expect(look({ port: silent }, 3000)).rejects.toMatchObject({
      code: "RELAY_UNREACHABLE",
      message: expect.stringContaining("Nothing listens"),
    });
  });
});
