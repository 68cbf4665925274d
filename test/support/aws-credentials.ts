import type { AwsKey } from "./sts.ts";

/**
 * Where AWS's tools find credentials on its machines, on a loopback port: the endpoint of a container and the metadata
 * service of an instance, second version only.
 */
export class StandInCredentials {
  readonly url: string;
  readonly #session = crypto.randomUUID();
  readonly #server: Bun.Server<undefined>;

  constructor(private readonly key: AwsKey) {
    this.#server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: (request) => this.#answer(request) });
    this.url = `http://127.0.0.1:${this.#server.port}`;
  }

  async close(): Promise<void> {
    await this.#server.stop(true);
  }

  #answer({ method, url, headers }: Request): Response {
    const path = new URL(url).pathname;
    if (path === "/container") return Response.json(this.#credentials());
    if (path === "/latest/api/token" && method === "PUT") return new Response(this.#session);
    if (headers.get("x-aws-ec2-metadata-token") !== this.#session) return new Response("", { status: 401 });
    const roles = "/latest/meta-data/iam/security-credentials";
    if (path === `${roles}/` || path === `${roles}-extended/`) return new Response("a-role");
    if (path === `${roles}/a-role` || path === `${roles}-extended/a-role`) {
      return Response.json({ ...this.#credentials(), Code: "Success", Type: "AWS-HMAC" });
    }
    return new Response("", { status: 404 });
  }

  #credentials() {
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token } = this.key;
    return {
      AccessKeyId,
      SecretAccessKey,
      Token,
      Expiration: new Date(Date.now() + 3_600_000).toISOString(),
    };
  }
}
