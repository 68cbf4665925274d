import { randomUUID } from "node:crypto";
import { publicKeyOfRequest } from "../../src/pki/csr.ts";
import { generateX509Key } from "../../src/pki/keys.ts";
import { issueGatewayServerLeaf } from "../../src/pki/leaf-profiles.ts";
import { generateSshKey, parseSshPublicKey } from "../../src/pki/ssh-keys.ts";
import { issueGatewayUserCertificate } from "../../src/pki/ssh-profiles.ts";
import type { GatewayConnect, GatewayConnectRequest } from "../../src/platform-client/calls/gateway-agent.ts";
import { GATEWAY_ID, GATEWAY_NAME, type TestPki } from "./test-pki.ts";

export interface StubRelay {
  name: string;
  /** As the platform answers it: a host, perhaps with a TLS port. */
  host: string;
  sshPort?: number;
}

/** Whose answers to imitate: Infisical's knows no `csr`, makes the keys itself and names one relay. */
export type PlatformKind = "sallyport" | "infisical";

interface IssueWish {
  pki: TestPki;
  request: GatewayConnectRequest;
  relays: StubRelay[];
  kind?: PlatformKind;
  now?: Date;
  ttlSeconds?: number;
  generation?: number;
}

/** What a platform answers to a gateway's connect call. */
export async function answerConnect(wish: IssueWish): Promise<GatewayConnect> {
  const { pki, request, now, ttlSeconds } = wish;
  const lifetime = { ...(now ? { now } : {}), ...(ttlSeconds === undefined ? {} : { ttlSeconds }) };
  const ours = wish.kind !== "infisical";
  const tls = ours && request.csr ? undefined : await generateX509Key("rsa-2048");
  const ssh = ours && request.sshPublicKey ? undefined : await generateSshKey("rsa-2048");
  const { organisation, orgId } = pki;
  const leaf = await issueGatewayServerLeaf(organisation.gatewayServer, {
    orgId,
    gatewayId: GATEWAY_ID,
    publicKey: tls ? tls.keyPair.publicKey : await publicKeyOfRequest(request.csr ?? ""),
    ...lifetime,
  });
  const relays = wish.relays.map((relay) => ({
    relayName: relay.name,
    relayHost: relay.host,
    ...(relay.sshPort === undefined ? {} : { sshPort: relay.sshPort }),
    ssh: {
      clientCertificate: issueGatewayUserCertificate(organisation.sshClient, {
        gatewayId: GATEWAY_ID,
        gatewayName: GATEWAY_NAME,
        relayName: relay.name,
        publicBlob: ssh ? ssh.publicBlob : parseSshPublicKey(request.sshPublicKey ?? ""),
        generation: wish.generation ?? 1,
        orgId,
        ...lifetime,
      }).line,
      ...(ssh ? { clientPrivateKey: ssh.privateKey } : {}),
      serverCAPublicKey: organisation.sshServer.publicLine,
    },
  }));
  const [first] = relays;
  return {
    gatewayId: GATEWAY_ID,
    pki: {
      serverCertificate: leaf.certificate,
      ...(tls ? { serverPrivateKey: tls.privateKeyPem } : {}),
      clientCertificateChain: organisation.gatewayClient.chainPem,
    },
    ...(first ? { relayHost: first.relayHost, ssh: first.ssh } : {}),
    ...(first?.sshPort === undefined ? {} : { sshPort: first.sshPort }),
    ...(ours ? { relays } : {}),
  };
}

/** A platform on a loopback port that knows one gateway, for agents run as a child process or in the test. */
export class StubPlatform {
  readonly url: string;
  /** Tokens that can be redeemed once. */
  readonly tokens = new Set<string>();
  /** The access token that is accepted now. */
  accessToken: string | undefined;
  relays: StubRelay[] = [];
  /** A machine identity that may be a gateway; each login gives another token, good for this many seconds. */
  identity = { clientId: "client-1", clientSecret: "spi_secret", expiresIn: 900 };
  /** The token of its last login or renewal, or one that it was given. */
  identityToken: string | undefined;
  identityLogins = 0;
  readonly connects: GatewayConnectRequest[] = [];
  readonly paths: string[] = [];
  heartbeats = 0;
  /** Runs before a login is answered, the token redeemed already. */
  onLogin: () => Promise<void> | void = () => undefined;
  readonly #server: Bun.Server<undefined>;

  constructor(
    private readonly pki: TestPki,
    private readonly kind: PlatformKind = "sallyport",
  ) {
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => this.#answer(request),
    });
    this.url = `http://127.0.0.1:${this.#server.port}`;
  }

  /** A new enrollment token. */
  mint(): string {
    const token = `gwe_${randomUUID().replaceAll("-", "")}`;
    this.tokens.add(token);
    return token;
  }

  async close(): Promise<void> {
    await this.#server.stop(true);
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    this.paths.push(pathname);
    const body: unknown = await request.json().catch(() => ({}));
    if (pathname === "/api/v3/gateways/login") return this.#login(body as { token?: string });
    if (pathname === "/api/v1/auth/universal-auth/login") return this.#identityLogin(body);
    if (pathname === "/api/v1/auth/token/renew") return this.#identityRenewal(body);
    const bearer = request.headers.get("authorization");
    const asIdentity = this.identityToken !== undefined && bearer === `Bearer ${this.identityToken}`;
    if (!asIdentity && bearer !== `Bearer ${this.accessToken}`) return refusal(401, "Token revoked");
    if (pathname === "/api/v2/gateways/heartbeat") {
      this.heartbeats++;
      return Response.json({ message: "Successfully triggered heartbeat" });
    }
    const connect = asIdentity ? "/api/v2/gateways" : "/api/v3/gateways/connect";
    if (pathname !== connect) return refusal(404, "Not found");
    const wanted = body as GatewayConnectRequest;
    this.connects.push(wanted);
    const { pki, kind, relays } = this;
    return Response.json(await answerConnect({ pki, kind, relays, request: wanted }));
  }

  #identityLogin(body: unknown): Response {
    const { clientId, clientSecret } = body as Record<string, string>;
    const known = clientId === this.identity.clientId && clientSecret === this.identity.clientSecret;
    return known ? this.#identityAnswer() : refusal(401, "Invalid credentials");
  }

  #identityRenewal(body: unknown): Response {
    const known = (body as { accessToken?: string }).accessToken === this.identityToken;
    return known ? this.#identityAnswer() : refusal(401, "The access token is expired");
  }

  #identityAnswer(): Response {
    this.identityLogins++;
    this.identityToken = `identity-${randomUUID()}`;
    const { expiresIn } = this.identity;
    const token = { accessToken: this.identityToken, expiresIn };
    return Response.json({ ...token, accessTokenMaxTTL: 86_400, tokenType: "Bearer" });
  }

  async #login({ token = "" }: { token?: string }): Promise<Response> {
    if (!this.tokens.delete(token)) return refusal(400, "Invalid enrollment token");
    this.accessToken = `access-${randomUUID()}`;
    await this.onLogin();
    return Response.json({ accessToken: this.accessToken, gatewayId: GATEWAY_ID, tokenType: "Bearer" });
  }
}

function refusal(statusCode: number, message: string): Response {
  return Response.json({ reqId: "r", statusCode, message, error: "Refused" }, { status: statusCode });
}
