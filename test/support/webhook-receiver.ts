import { createHmac } from "node:crypto";
import { mustRun } from "./processes.ts";
import type { Workspace } from "./workspace.ts";

export interface Received {
  path: string;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into messages of every shape
  body: any;
}

/** A receiver of webhooks on 127.0.0.1, with TLS of an authority of its own. */
export class WebhookReceiver {
  readonly received: Received[] = [];
  /** What it answers next; 200 unless told. */
  answer: (request: Received) => Response | Promise<Response> = () => new Response("ok");

  private constructor(
    readonly authority: string,
    private readonly server: Bun.Server<undefined>,
    readonly secure: boolean,
  ) {}

  static async open(workspace: Workspace, { secure = true } = {}): Promise<WebhookReceiver> {
    const [key, cert] = [workspace.join("hook-key.pem"), workspace.join("hook.pem")];
    const made = [
      "openssl",
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
    ];
    const subject = ["-subj", "/CN=hook", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"];
    await mustRun([...made, "-keyout", key, "-out", cert, ...subject]);
    const authority = await Bun.file(cert).text();
    const holder: { receiver?: WebhookReceiver } = {};
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      ...(secure && { tls: { key: await Bun.file(key).text(), cert: authority } }),
      fetch: async (request) =>
        (await holder.receiver?.receive(request)) ?? new Response(null, { status: 500 }),
    });
    const receiver = new WebhookReceiver(authority, server, secure);
    holder.receiver = receiver;
    workspace.own(receiver);
    return receiver;
  }

  get url(): string {
    return `${this.secure ? "https" : "http"}://127.0.0.1:${this.server.port}/hook`;
  }

  async receive(request: Request): Promise<Response> {
    const text = await request.text();
    const { pathname: path } = new URL(request.url);
    const one = { path, headers: request.headers, text, body: JSON.parse(text) };
    this.received.push(one);
    return await this.answer(one);
  }

  async close(): Promise<void> {
    await this.server.stop(true);
  }
}

/** As docs/operating.md tells receivers to check it. */
export function isSignedWith(secret: string, { headers, text }: Received): boolean {
  const [, seconds, mac] =
    /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers.get("x-sallyport-signature") ?? "") ?? [];
  return mac === createHmac("sha256", secret).update(`${seconds}.${text}`).digest("hex");
}
