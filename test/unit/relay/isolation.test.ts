import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  dialAsClient,
  dialAsGateway,
  type LabClient,
  type LabGateway,
  type LabRelay,
  RelayLab,
  startLabRelay,
} from "../../support/relay.ts";

/** One installation with two organisations, and another one that knows nothing of it. */
let ours: RelayLab;
let neighbour: RelayLab;
let stranger: RelayLab;
let own: LabRelay;
let shared: LabRelay;
let gateway: LabGateway;
let sharedGateway: LabGateway;
/** Address penalties would hide the reason of the next refusal. */
const limits = { penaltyMs: 0 };

beforeAll(async () => {
  ours = await RelayLab.create();
  neighbour = await RelayLab.create({ neighbourOf: ours });
  stranger = await RelayLab.create();
  own = await startLabRelay(await ours.relayCredentials(), { limits });
  shared = await startLabRelay(await ours.relayCredentials({ shared: true }), { limits });
  gateway = await ours.gateway();
  sharedGateway = await ours.gateway({ shared: true });
  await dialAsGateway(own.relay, gateway);
  await dialAsGateway(shared.relay, sharedGateway);
});

afterAll(() => {
  own.relay.close();
  shared.relay.close();
});

/** TLS itself refuses with an alert, our own rules with a line. */
const refusal = /^(ERR CERTIFICATE_REFUSED .*\n)?$/;

/** What a client gets: the status line, or nothing when the TLS handshake already failed. */
async function reach({ relay }: LabRelay, client: LabClient): Promise<string> {
  try {
    const inbox = await dialAsClient(relay, client);
    const text = await inbox.until(3);
    if (!text.startsWith("OK")) await inbox.untilEnd();
    inbox.stream.destroy();
    return inbox.text;
  } catch {
    return "";
  }
}

/** The client's certificate with the relay authorities that `trusting` knows, so that only the relay can refuse. */
async function trustingClient(from: RelayLab, gatewayId: string, trusting: RelayLab): Promise<LabClient> {
  const client = await from.client(gatewayId);
  const { serverAuthorities } = (await trusting.client(gatewayId)).identity;
  return { ...client, identity: { ...client.identity, serverAuthorities } };
}

describe("B3 clients", () => {
  test("of the organisation reach its gateway", async () => {
    expect(await reach(own, await ours.client(gateway.gatewayId))).toBe("OK\n");
    expect(await reach(shared, await ours.client(sharedGateway.gatewayId, { shared: true }))).toBe("OK\n");
  });

  test("of another organisation of the same installation are refused", async () => {
    expect(await reach(own, await trustingClient(neighbour, gateway.gatewayId, ours))).toMatch(refusal);
  });

  test("of another organisation that present their authority as well are refused", async () => {
    const client = await trustingClient(neighbour, gateway.gatewayId, ours);
    const certificate = client.identity.certificate + neighbour.organisation.relayClient.certificatePem;
    expect(await reach(own, { ...client, identity: { ...client.identity, certificate } })).toMatch(refusal);
  });

  test("of another installation are refused", async () => {
    expect(await reach(own, await trustingClient(stranger, gateway.gatewayId, ours))).toMatch(refusal);
  });

  test("X9 of another organisation on a shared relay can't reach a gateway of ours", async () => {
    const client = await neighbour.client(sharedGateway.gatewayId, { shared: true });
    expect(await reach(shared, client)).toMatch(/^ERR CERTIFICATE_REFUSED /);
  });

  test("that show the relay a server certificate are refused", async () => {
    const { tls } = await ours.relayCredentials();
    const client = await ours.client(gateway.gatewayId);
    const { certificate, privateKey } = tls;
    expect(
      await reach(own, { ...client, identity: { ...client.identity, certificate, privateKey } }),
    ).toMatch(refusal);
  });

  test("with an expired certificate are refused", async () => {
    const hourAgo = new Date(Date.now() - 3_600_000);
    expect(await reach(own, await ours.client(gateway.gatewayId, { now: hourAgo }))).toMatch(refusal);
  });

  test("do not accept another installation's relay, or another organisation's", async () => {
    for (const lab of [neighbour, stranger]) {
      const client = await lab.client(gateway.gatewayId);
      await expect(dialAsClient(own.relay, client)).rejects.toMatchObject({ code: "TLS_UNTRUSTED" });
    }
  });
});

describe("B2 gateways", () => {
  const refused = expect.objectContaining({ code: "SSH_AUTHENTICATION_FAILED" });

  /** Trusts our relay, so that only the relay can refuse. */
  async function dial(from: LabGateway, username = from.gatewayId): Promise<unknown> {
    const { hostAuthorities } = gateway;
    const session = await dialAsGateway(own.relay, { ...from, gatewayId: username, hostAuthorities });
    session.disconnect(11, "test over");
    return "accepted";
  }

  test("of the organisation are accepted", async () => {
    expect(await dial(await ours.gateway())).toBe("accepted");
  });

  test.each<[string, () => Promise<LabGateway>]>([
    ["of another organisation", () => neighbour.gateway()],
    ["of another installation", () => stranger.gateway()],
    ["with a certificate for the installation's shared relay", () => ours.gateway({ shared: true })],
    ["with a certificate for another relay", () => ours.gateway({ relayName: "relay-2" })],
    ["with an expired certificate", () => ours.gateway({ now: new Date(Date.now() - 2 * 86_400_000) })],
    ["with a certificate of tomorrow", () => ours.gateway({ now: new Date(Date.now() + 86_400_000) })],
  ])("%s are refused", async (_, make) => {
    await expect(dial(await make())).rejects.toEqual(refused);
  });

  test("can't take the name of another gateway", async () => {
    await expect(dial(await ours.gateway(), gateway.gatewayId)).rejects.toEqual(refused);
  });

  test("can't use their second principal as a name", async () => {
    await expect(dial(await ours.gateway(), "my-gateway")).rejects.toEqual(refused);
  });

  test("can't show the relay its own host certificate", async () => {
    const { ssh } = await ours.relayCredentials();
    await expect(dial({ ...gateway, identity: ssh.host })).rejects.toEqual(refused);
  });

  test("do not accept a relay of another organisation", async () => {
    const { hostAuthorities } = await neighbour.gateway();
    await expect(dialAsGateway(own.relay, { ...gateway, hostAuthorities })).rejects.toMatchObject({
      code: "HOST_CERTIFICATE_REFUSED",
    });
  });
});
