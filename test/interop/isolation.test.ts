import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { SharedTunnels } from "../../src/client/shared-tunnels.ts";
import { type OpenedTunnel, openTunnel } from "../../src/client/tunnel.ts";
import { type ChannelServer, openChannelServer } from "../../src/gateway/channel-server.ts";
import { parsePolicy } from "../../src/gateway/target-policy.ts";
import type {
  ClientCredentials,
  GatewayCredentials,
  RelayCredentials,
  SshIdentity,
  X509Identity,
} from "../../src/pki/credentials.ts";
import {
  issueGatewayClientLeaf,
  issueGatewayServerLeaf,
  issueRelayClientLeaf,
  issueRelayServerLeaf,
} from "../../src/pki/leaf-profiles.ts";
import type { SshAuthority } from "../../src/pki/ssh-authority.ts";
import { generateSshKey, parseSshPublicKey } from "../../src/pki/ssh-keys.ts";
import { issueGatewayUserCertificate, issueRelayHostCertificate } from "../../src/pki/ssh-profiles.ts";
import type { X509Authority } from "../../src/pki/x509-authority.ts";
import { type Relay, startRelay } from "../../src/relay/relay.ts";
import { SallyportError } from "../../src/telemetry/error.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { ALPN } from "../../src/tunnel/alpn.ts";
import type { SshConnection } from "../../src/tunnel/ssh/connection.ts";
import { dialSsh } from "../../src/tunnel/ssh/dial.ts";
import { WindowBudget } from "../../src/tunnel/ssh/window.ts";
import {
  fixedSource,
  GATEWAY_ID,
  GATEWAY_NAME,
  identity,
  OTHER_GATEWAY_ID,
  RELAY_NAME,
  type TestPki,
  testPki,
} from "../support/test-pki.ts";
import { Workspace } from "../support/workspace.ts";

/**
 * Who may take whose place: {another instance, another organisation, another gateway of the organisation, the CA of the
 * other direction} at each of the six ends of the path. Every cell is the same attempt as the control, with one
 * credential exchanged.
 */
const STRANGERS = ["other instance", "other organisation", "other gateway", "other direction"] as const;
type Stranger = (typeof STRANGERS)[number];
const SSH_PORT = 2222;
const HOST = "127.0.0.1";

/** A tunnel of its own, and one in a session that others share (`sallyport-mux/1`). */
const OPENINGS = [
  ["a tunnel of its own", (client: ClientCredentials) => openTunnel(client, { timeoutMs: 20_000 })],
  ["a shared session", openShared],
] as const;

let workspace: Workspace;
let pki: TestPki;
let foreign: Record<"other instance" | "other organisation", TestPki>;
let relay: Relay;
/** An echo service behind the gateway. */
let target: { host: string; port: number };
const budget = new WindowBudget();

beforeAll(async () => {
  workspace = await Workspace.open("isolation");
  pki = await testPki();
  foreign = {
    "other instance": await testPki("other-instance"),
    "other organisation": await testPki("other-organisation"),
  };
  const echo = Bun.listen({
    hostname: HOST,
    port: 0,
    socket: { data: (socket, bytes) => void socket.write(bytes) },
  });
  workspace.defer(() => echo.stop(true));
  target = { host: HOST, port: echo.port };
  relay = workspace.own(await openRelay(await pki.relay({ sshPort: SSH_PORT })));
});

afterAll(() => workspace.close());

describe("isolation: SSH user (a gateway logs in at the relay)", () => {
  const login = (user: SshIdentity, username = GATEWAY_ID) => code(() => openSession(relay, user, username));

  test("control: the gateway's own certificate is accepted", async () => {
    expect(await login(await userIdentity(pki.organisation.sshClient))).toBe("ok");
  });
  test.each(STRANGERS)("%s is refused", async (stranger) => {
    const authority = pick(stranger, (p) => p.organisation.sshClient, pki.organisation.sshServer);
    const user = await userIdentity(authority, stranger === "other gateway" ? OTHER_GATEWAY_ID : GATEWAY_ID);
    expect(await login(user)).toBe("SSH_AUTHENTICATION_FAILED");
  });
});

describe("isolation: SSH host (a gateway checks the relay)", () => {
  const dial = async (host: SshIdentity) => {
    const credentials = await pki.relay({ sshPort: SSH_PORT });
    const posing = await openRelay({ ...credentials, ssh: { ...credentials.ssh, host } });
    try {
      const user = await userIdentity(pki.organisation.sshClient);
      return await code(() => openSession(posing, user, GATEWAY_ID));
    } finally {
      posing.close();
    }
  };

  test("control: the relay's own certificate is accepted", async () => {
    expect(await dial(await hostIdentity(pki.organisation.sshServer))).toBe("ok");
  });
  test.each(STRANGERS)("%s is refused", async (stranger) => {
    const authority = pick(stranger, (p) => p.organisation.sshServer, pki.organisation.sshClient);
    // For a host, "other gateway" is another relay of the organisation.
    const host = await hostIdentity(authority, stranger === "other gateway" ? "127.0.0.2" : HOST);
    expect(await dial(host)).toBe("HOST_CERTIFICATE_REFUSED");
  });
});

describe("isolation: outer client (a client comes in at the relay)", () => {
  const reach = (outer: X509Identity) =>
    withGateway({}, (client) => reachTarget({ ...client, relay: { ...client.relay, ...outer } }));

  test("control: the client's own certificate is accepted", async () => {
    expect(await reach(await outerClient(pki, pki.organisation.relayClient))).toBe("ok");
  });
  test.each([
    ["other instance", "CERTIFICATE_REFUSED"],
    ["other organisation", "CERTIFICATE_REFUSED"],
    // Its certificate is good, but leads to its own gateway only, and that one is not here.
    ["other gateway", "GATEWAY_NOT_CONNECTED"],
    ["other direction", "CERTIFICATE_REFUSED"],
  ] as const)("%s is refused", async (stranger, refusal) => {
    const authority = pick(stranger, (p) => p.organisation.relayClient, pki.organisation.relayServer);
    const of = stranger === "other instance" || stranger === "other organisation" ? foreign[stranger] : pki;
    const gatewayId = stranger === "other gateway" ? OTHER_GATEWAY_ID : GATEWAY_ID;
    expect(await reach(await outerClient(of, authority, gatewayId))).toBe(refusal);
  });
});

describe("isolation: outer server (a client checks the relay)", () => {
  const reach = async (tls: X509Identity) => {
    const credentials = await pki.relay({ sshPort: SSH_PORT });
    const posing = await openRelay({ ...credentials, tls: { ...credentials.tls, ...tls } });
    try {
      return await withGateway({ at: posing }, (client) => reachTarget(client));
    } finally {
      posing.close();
    }
  };

  test("control: the relay's own certificate is accepted", async () => {
    expect(await reach(await outerServer(pki.organisation.relayServer))).toBe("ok");
  });
  test.each(STRANGERS)("%s is refused", async (stranger) => {
    const authority = pick(stranger, (p) => p.organisation.relayServer, pki.organisation.relayClient);
    const host = stranger === "other gateway" ? "127.0.0.2" : HOST;
    expect(await reach(await outerServer(authority, host))).toBe("TLS_UNTRUSTED");
  });
});

describe.each(OPENINGS)("isolation: inner client (the gateway checks who comes) by %s", (_, open) => {
  const reach = (inner: X509Identity) =>
    withGateway({}, (client) => reachTarget({ ...client, gateway: { ...client.gateway, ...inner } }, open));

  test("control: the client's own certificate is accepted", async () => {
    expect(await reach(await innerClient(pki, pki.organisation.gatewayClient))).toBe("ok");
  });
  test.each(STRANGERS)("%s is refused", async (stranger) => {
    const authority = pick(stranger, (p) => p.organisation.gatewayClient, pki.organisation.gatewayServer);
    const of = stranger === "other instance" || stranger === "other organisation" ? foreign[stranger] : pki;
    const gatewayId = stranger === "other gateway" ? OTHER_GATEWAY_ID : GATEWAY_ID;
    expect(await reach(await innerClient(of, authority, gatewayId))).toBe("CERTIFICATE_REFUSED");
  });
});

describe.each(OPENINGS)("isolation: inner server (a client checks the gateway) by %s", (_, open) => {
  const reach = (tls: X509Identity) => withGateway({ tls }, (client) => reachTarget(client, open));

  test("control: the gateway's own certificate is accepted", async () => {
    expect(await reach(await innerServer(pki.organisation.gatewayServer))).toBe("ok");
  });
  test.each(STRANGERS)("%s is refused", async (stranger) => {
    const authority = pick(stranger, (p) => p.organisation.gatewayServer, pki.organisation.gatewayClient);
    const gatewayId = stranger === "other gateway" ? OTHER_GATEWAY_ID : GATEWAY_ID;
    expect(await reach(await innerServer(authority, gatewayId))).toBe("TLS_UNTRUSTED");
  });
});

/** The authority that a stranger's credential comes from. */
function pick<T extends SshAuthority | X509Authority>(
  stranger: Stranger,
  of: (pki: TestPki) => T,
  otherDirection: T,
): T {
  if (stranger === "other direction") return otherDirection;
  return of(stranger === "other gateway" ? pki : foreign[stranger]);
}

/** "ok", or the code of the refusal. */
async function code(attempt: () => Promise<unknown>): Promise<string> {
  try {
    const result = await attempt();
    if (typeof result === "string") return result;
    if (result && typeof result === "object" && "disconnect" in result)
      (result as SshConnection).disconnect(11, "done");
    return "ok";
  } catch (error) {
    if (error instanceof SallyportError) return error.code;
    throw error;
  }
}

function openRelay(credentials: RelayCredentials): Promise<Relay> {
  return startRelay({
    credentials: fixedSource(credentials),
    listen: { hostname: HOST, sshPort: 0, tlsPort: 0 },
    limits: { penaltyMs: 0 },
    log: silentLogger,
  });
}

function openSession(
  at: Relay,
  user: SshIdentity,
  username: string,
  server?: ChannelServer,
): Promise<SshConnection> {
  return dialSsh({
    host: HOST,
    port: at.sshPort,
    username,
    identity: user,
    hostAuthorities: [parseSshPublicKey(pki.organisation.sshServer.publicLine)],
    hostPrincipal: `${HOST}:${SSH_PORT}`,
    onChannel: (request) => (server ? server.accept(request.accept()) : request.reject(1, "not here")),
    budget,
    log: silentLogger,
  });
}

/** A gateway behind the relay, and a client's credentials that lead through both to an echo service. */
async function withGateway(
  options: { at?: Relay; tls?: X509Identity },
  use: (client: ClientCredentials) => Promise<string>,
): Promise<string> {
  const at = options.at ?? relay;
  const own = await pki.gateway({ relays: [{ sshPort: SSH_PORT }] });
  const credentials: GatewayCredentials = { ...own, tls: { ...own.tls, ...options.tls } };
  const server = openChannelServer({
    credentials: () => credentials,
    policy: parsePolicy({ allow: ["127.0.0.1"], deny: [] }),
    log: silentLogger,
  });
  const session = await openSession(at, await userIdentity(pki.organisation.sshClient), GATEWAY_ID, server);
  try {
    return await use(await pki.client({ relayPort: at.tlsPort, target }));
  } finally {
    session.disconnect(11, "done");
    server.close();
  }
}

async function openShared(client: ClientCredentials): Promise<OpenedTunnel> {
  const tunnels = new SharedTunnels();
  try {
    const tunnel = await tunnels.open(client, { timeoutMs: 20_000 });
    if (tunnel.alpn !== ALPN.sallyportMux) throw new Error(`agreed on ${tunnel.alpn}`);
    return tunnel;
  } finally {
    void tunnels.close();
  }
}

/** Opens a tunnel and gets one byte back from the target. */
function reachTarget(
  client: ClientCredentials,
  open: (client: ClientCredentials) => Promise<OpenedTunnel> = OPENINGS[0][1],
): Promise<string> {
  return code(async () => {
    const { stream } = await open(client);
    const answer = Promise.withResolvers<string>();
    stream.attach({
      data: () => answer.resolve("ok"),
      end: () => answer.resolve("ended"),
      written: () => undefined,
      closed: (error) => answer.resolve(error?.message ?? "closed"),
    });
    stream.write(Buffer.from("x"));
    const outcome = await answer.promise;
    stream.destroy();
    return outcome;
  });
}

async function userIdentity(authority: SshAuthority, gatewayId = GATEWAY_ID): Promise<SshIdentity> {
  const key = await generateSshKey();
  const { line } = issueGatewayUserCertificate(authority, {
    gatewayId,
    gatewayName: GATEWAY_NAME,
    relayName: RELAY_NAME,
    publicBlob: key.publicBlob,
    orgId: pki.orgId,
  });
  return { certificate: line, privateKey: key.privateKey };
}

async function hostIdentity(authority: SshAuthority, host = HOST): Promise<SshIdentity> {
  const key = await generateSshKey();
  const { line } = issueRelayHostCertificate(authority, {
    host,
    sshPort: SSH_PORT,
    publicBlob: key.publicBlob,
  });
  return { certificate: line, privateKey: key.privateKey };
}

function outerClient(of: TestPki, authority: X509Authority, gatewayId = GATEWAY_ID): Promise<X509Identity> {
  const { orgId, orgName } = of;
  return identity((publicKey) =>
    issueRelayClientLeaf(authority, { gatewayId, gatewayName: GATEWAY_NAME, orgId, orgName, publicKey }),
  );
}

function outerServer(authority: X509Authority, host = HOST): Promise<X509Identity> {
  return identity((publicKey) =>
    issueRelayServerLeaf(authority, { host, organisation: pki.orgId, publicKey }),
  );
}

async function innerClient(
  of: TestPki,
  authority: X509Authority,
  gatewayId = GATEWAY_ID,
): Promise<X509Identity> {
  return await identity((publicKey) =>
    issueGatewayClientLeaf(authority, {
      orgId: of.orgId,
      gatewayId,
      actor: { type: "platform" },
      target,
      publicKey,
    }),
  );
}

function innerServer(authority: X509Authority, gatewayId = GATEWAY_ID): Promise<X509Identity> {
  return identity((publicKey) =>
    issueGatewayServerLeaf(authority, { orgId: pki.orgId, gatewayId, publicKey }),
  );
}
