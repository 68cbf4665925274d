import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { connect as connectTls } from "node:tls";
import { HEARTBEAT_ID } from "../../../src/relay/identity.ts";
import type { SallyportError } from "../../../src/telemetry/error.ts";
import type { SshConnection } from "../../../src/tunnel/ssh/connection.ts";
import { echo, Inbox } from "../../support/byte-stream.ts";
import {
  dialAsClient,
  dialAsGateway,
  type LabGateway,
  type LabRelay,
  RelayLab,
  revocations,
  startLabRelay,
} from "../../support/relay.ts";
import { until } from "../../support/until.ts";

let lab: RelayLab;
let lastRelay: LabRelay | undefined;
const sessions: SshConnection[] = [];

beforeAll(async () => {
  lab = await RelayLab.create();
});

afterEach(() => {
  for (const session of sessions.splice(0)) session.disconnect(11, "test over");
  lastRelay?.relay.close();
  lastRelay = undefined;
});

async function start(
  options: Parameters<typeof startLabRelay>[1] & { shared?: boolean } = {},
): Promise<LabRelay> {
  const { shared = false, ...rest } = options;
  lastRelay = await startLabRelay(await lab.relayCredentials({ shared }), rest);
  return lastRelay;
}

async function connect(
  { relay }: LabRelay,
  gateway: LabGateway,
  onChannel?: Parameters<typeof dialAsGateway>[2],
): Promise<SshConnection> {
  const session = await dialAsGateway(relay, gateway, onChannel);
  sessions.push(session);
  return session;
}

function ended(session: SshConnection): Promise<SallyportError | null> {
  return new Promise((resolve) => session.onClosed(resolve));
}

/** The status line that a client gets, for its own gateway id unless told. */
async function status({ relay }: LabRelay, gatewayId: string, from = lab, shared = false): Promise<string> {
  const inbox = await dialAsClient(relay, await from.client(gatewayId, { shared }));
  const text = await inbox.until(3);
  const line = text.startsWith("OK") ? text : await inbox.untilEnd();
  inbox.stream.destroy();
  return line;
}

describe("a relay", () => {
  test("joins a client to the gateway that its certificate names", async () => {
    const running = await start();
    const gateway = await lab.gateway({ generation: 2 });
    await connect(running, gateway);
    const inbox = await dialAsClient(running.relay, await lab.client(gateway.gatewayId));
    inbox.write("hello");
    expect(await inbox.until(8)).toBe("OK\nhello");
    expect(running.relay.sessions()).toEqual([
      {
        gatewayId: gateway.gatewayId,
        gatewayName: "my-gateway",
        orgId: lab.orgId,
        generation: 2,
        since: expect.any(Date),
        channels: 1,
        remoteAddress: "127.0.0.1",
      },
    ]);
    inbox.stream.end();
    expect(await inbox.closed).toBeNull();
  });

  test("opens direct-tcpip channels with an empty payload", async () => {
    const running = await start();
    const gateway = await lab.gateway();
    const offered: string[] = [];
    await connect(running, gateway, (request) => {
      offered.push(`${request.type} ${request.payload.length}`);
      echo(request.accept());
    });
    expect(await status(running, gateway.gatewayId)).toBe("OK\n");
    expect(offered).toEqual(["direct-tcpip 0"]);
  });

  test("carries an end of stream from either side without cutting the other", async () => {
    const running = await start();
    const gateway = await lab.gateway();
    const received = Promise.withResolvers<string>();
    await connect(running, gateway, (request) => {
      const inbox = new Inbox(request.accept());
      inbox.write("from the gateway");
      inbox.stream.end();
      received.resolve(inbox.untilEnd());
    });
    const inbox = await dialAsClient(running.relay, await lab.client(gateway.gatewayId));
    expect(await inbox.untilEnd()).toBe("OK\nfrom the gateway");
    inbox.write("from the client");
    inbox.stream.end();
    expect(await received.promise).toBe("from the client");
    expect(await inbox.closed).toBeNull();
  });

  test("logs one line at the beginning and one at the end of each connection, without secrets", async () => {
    const running = await start();
    const gateway = await lab.gateway();
    const session = await connect(running, gateway);
    const client = await lab.client(gateway.gatewayId);
    const inbox = await dialAsClient(running.relay, client);
    inbox.write("hello");
    await inbox.until(8);
    inbox.stream.end();
    await inbox.closed;
    session.disconnect(11, "bye");
    await until(() => running.log.some(({ message }) => message === "Gateway disconnected"));
    const lines = running.log.filter(({ message }) => /^(Client|Gateway) /.test(message));
    expect(lines).toMatchObject([
      {
        message: "Gateway connected",
        gatewayId: gateway.gatewayId,
        organisation: lab.orgId,
        connection: "g1",
      },
      { message: "Client connected", connection: "c1", gatewayId: gateway.gatewayId, serial: client.serial },
      {
        message: "Client disconnected",
        connection: "c1",
        gatewayId: gateway.gatewayId,
        organisation: `Acme-${lab.orgId}`,
        bytesUp: 5,
        bytesDown: 5,
        cause: "ENDED",
      },
      { message: "Gateway disconnected", connection: "g1" },
    ]);
    expect(JSON.stringify(running.log)).not.toContain("PRIVATE");
  });

  test("answers the platform's heartbeat and closes", async () => {
    const running = await start();
    expect(await status(running, HEARTBEAT_ID)).toBe("OK\n");
    const inbox = await dialAsClient(running.relay, await lab.client(HEARTBEAT_ID));
    expect(await inbox.untilEnd()).toBe("OK\n");
  });

  test("refuses channels and forwardings that a gateway asks for", async () => {
    const running = await start();
    const session = await connect(running, await lab.gateway());
    await expect(session.openChannel("session", Buffer.alloc(0))).rejects.toThrow();
    await expect(session.openChannel("direct-tcpip", Buffer.alloc(0))).rejects.toThrow();
    expect(running.relay.sessions()).toHaveLength(1);
  });

  test("holds nothing of a gateway's: its credentials are its own two keys", async () => {
    const credentials = await lab.relayCredentials();
    expect(JSON.stringify(credentials).match(/PRIVATE KEY-----\\n/g)).toHaveLength(4);
  });
});

describe("X5 the relay says why", () => {
  test("the gateway is not connected", async () => {
    expect(await status(await start(), randomUUID())).toMatch(/^ERR GATEWAY_NOT_CONNECTED .+\n$/);
  });

  test("the gateway is revoked", async () => {
    const running = await start();
    const gateway = await lab.gateway();
    running.source.change({
      ...running.source.credentials,
      revocations: revocations({ gatewayIds: [gateway.gatewayId] }),
    });
    await until(() => running.source.loads === 2);
    expect(await status(running, gateway.gatewayId)).toMatch(/^ERR GATEWAY_REVOKED .+\n$/);
  });

  test("the gateway takes no more tunnels", async () => {
    const running = await start();
    const gateway = await lab.gateway();
    await connect(running, gateway, (request) => request.reject(1, "no"));
    expect(await status(running, gateway.gatewayId)).toMatch(/^ERR GATEWAY_BUSY .+\n$/);
  });

  test("the gateway is short of memory", async () => {
    const running = await start();
    const gateway = await lab.gateway();
    await connect(running, gateway, (request) => request.reject(4, "no memory"));
    expect(await status(running, gateway.gatewayId)).toMatch(/^ERR RESOURCE_SHORTAGE .+\n$/);
  });

  test("the limit of tunnels is reached", async () => {
    const running = await start({ limits: { channels: 2 } });
    const gateway = await lab.gateway();
    await connect(running, gateway);
    const held = [];
    for (let i = 0; i < 2; i++) {
      const inbox = await dialAsClient(running.relay, await lab.client(gateway.gatewayId));
      await inbox.until(3);
      held.push(inbox);
    }
    expect(await status(running, gateway.gatewayId)).toMatch(/^ERR GATEWAY_BUSY .+\n$/);
    for (const inbox of held) inbox.stream.destroy();
  });

  test("a gateway that does not know the channel type yet is asked again", async () => {
    const running = await start();
    const gateway = await lab.gateway();
    let asked = 0;
    await connect(running, gateway, (request) => {
      if (++asked <= 2) request.reject(3, "unknown channel type");
      else echo(request.accept());
    });
    expect(await status(running, gateway.gatewayId)).toBe("OK\n");
    expect(asked).toBe(3);
  });
});

describe("X5 Infisical's clients, which offer no protocol or others,", () => {
  /** What the client got when the relay ended, after sending `hello` where it was let in. */
  async function ask({ relay }: LabRelay, gatewayId: string, offered: string[]): Promise<string> {
    const { certificate, privateKey, serverAuthorities } = (await lab.client(gatewayId)).identity;
    const socket = connectTls({
      host: "127.0.0.1",
      port: relay.tlsPort,
      cert: certificate,
      key: privateKey,
      ca: serverAuthorities,
      ALPNProtocols: offered,
    });
    let received = "";
    socket.on("data", (chunk: Buffer) => {
      received += chunk;
      if (received === "hello") socket.end();
    });
    socket.on("secureConnect", () => socket.write("hello"));
    const error = await new Promise((resolve) =>
      socket.on("error", resolve).on("close", () => resolve(undefined)),
    );
    expect(error).toBeUndefined();
    return received;
  }

  test.each([[[]], [["http/1.1"]]])("get the gateway's bytes and nothing else (%p)", async (offered) => {
    const running = await start();
    const gateway = await lab.gateway();
    await connect(running, gateway);
    expect(await ask(running, gateway.gatewayId, offered)).toBe("hello");
  });

  test("get silence from a heartbeat and from a gateway that is not connected", async () => {
    const running = await start();
    expect(await ask(running, HEARTBEAT_ID, [])).toBe("");
    expect(await ask(running, randomUUID(), [])).toBe("");
  });
});

describe("X3 one session for each gateway", () => {
  test("F3 a second connection replaces the first, which is told so", async () => {
    const running = await start();
    const gateway = await lab.gateway();
    const first = await connect(running, gateway);
    const over = ended(first);
    await connect(running, gateway);
    expect(String(await over)).toContain("replaced");
    expect(running.relay.sessions()).toHaveLength(1);
    expect(await status(running, gateway.gatewayId)).toBe("OK\n");
  });

  test("F3 a connection with older credentials is refused and told so", async () => {
    const running = await start();
    const { gatewayId } = await lab.gateway();
    const fresh = await lab.gateway({ gatewayId, generation: 5 });
    await connect(running, fresh);
    const old = await connect(running, await lab.gateway({ gatewayId, generation: 4 }));
    expect(String(await ended(old))).toContain("replaced");
    expect(running.relay.sessions()).toMatchObject([{ generation: 5 }]);
  });

  test("F3 rotation drains the old session: its tunnels go on, new ones use the new session", async () => {
    const running = await start();
    const { gatewayId } = await lab.gateway();
    const old = await connect(running, await lab.gateway({ gatewayId, generation: 1 }));
    const over = ended(old);
    const inbox = await dialAsClient(running.relay, await lab.client(gatewayId));
    await inbox.until(3);
    await connect(running, await lab.gateway({ gatewayId, generation: 2 }), (request) => {
      const answer = new Inbox(request.accept());
      answer.write("new");
    });
    const later = await dialAsClient(running.relay, await lab.client(gatewayId));
    expect(await later.until(6)).toBe("OK\nnew");
    inbox.write("still here");
    expect(await inbox.until(13)).toBe("OK\nstill here");
    inbox.stream.end();
    expect(await inbox.closed).toBeNull();
    expect(String(await over)).toContain("replaced");
    later.stream.destroy();
  });

  test("of a gateway without generation, as Infisical's, the newest serves", async () => {
    const running = await start({ shared: true });
    const gateway = await lab.gateway({ shared: true, plain: true });
    const first = await connect(running, gateway);
    const over = ended(first);
    await connect(running, gateway);
    expect(String(await over)).toContain("replaced");
    expect(running.relay.sessions()).toMatchObject([{ generation: 0, orgId: undefined }]);
    expect(await status(running, gateway.gatewayId, lab, true)).toBe("OK\n");
  });
});
