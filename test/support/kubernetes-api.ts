import { readFile } from "node:fs/promises";
import { mustRun } from "./processes.ts";
import type { Workspace } from "./workspace.ts";

/** A token that the stand-in knows. */
export interface KnownToken {
  username: string;
  /** That it is for; the API server's own unless told. */
  audiences?: string[];
  /** Whether it may review others (system:auth-delegator). */
  mayReview?: boolean;
}

const OWN_AUDIENCE = "https://kubernetes.default.svc";

/**
 * A stand-in for a Kubernetes API on a loopback port, behind TLS of an authority of its own: `/version` and TokenReview,
 * for those who may review.
 */
export class StandInKubernetes {
  readonly url: string;
  readonly tokens = new Map<string, KnownToken>();
  /** What arrived: path, and the bearer. */
  readonly calls: { path: string; bearer: string; host: string }[] = [];
  /** Instead of the usual answer. */
  answer: ((path: string) => Response | undefined) | undefined;
  readonly #server: Bun.Server<undefined>;

  private constructor(
    /** PEM, for `caCertificate`. */
    readonly authority: string,
    tls: { cert: string; key: string },
  ) {
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls,
      fetch: (request) => this.#answer(request),
    });
    this.url = `https://127.0.0.1:${this.#server.port}`;
  }

  static async open(workspace: Workspace): Promise<StandInKubernetes> {
    const [key, cert] = [workspace.join("kubernetes.key"), workspace.join("kubernetes.crt")];
    await mustRun([
      ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=a cluster"],
      ...["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
    ]);
    const tls = { cert: await readFile(cert, "utf8"), key: await readFile(key, "utf8") };
    return workspace.own(new StandInKubernetes(tls.cert, tls));
  }

  get port(): number {
    return this.#server.port ?? 0;
  }

  /** A new token of a service account. */
  issue(namespace: string, name: string, more: Omit<KnownToken, "username"> = {}): string {
    const token = `jwt-${crypto.randomUUID()}`;
    this.tokens.set(token, { username: `system:serviceaccount:${namespace}:${name}`, ...more });
    return token;
  }

  async close(): Promise<void> {
    await this.#server.stop(true);
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname: path } = new URL(request.url);
    const bearer = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
    this.calls.push({ path, bearer, host: request.headers.get("host") ?? "" });
    const special = this.answer?.(path);
    if (special) return special;
    if (path === "/version") return Response.json({ major: "1", minor: "36", gitVersion: "v1.36.0" });
    if (path !== "/apis/authentication.k8s.io/v1/tokenreviews") return status(404, "NotFound");
    const reviewer = this.tokens.get(bearer);
    if (!reviewer) return status(401, "Unauthorized");
    if (!reviewer.mayReview) return status(403, "Forbidden");
    const review = (await request.json()) as { kind: string; spec: { token: string; audiences?: string[] } };
    if (review.kind !== "TokenReview") return status(400, "BadRequest");
    return Response.json({ ...review, status: this.#review(review.spec) }, { status: 201 });
  }

  #review({ token, audiences = [OWN_AUDIENCE] }: { token: string; audiences?: string[] }) {
    const known = this.tokens.get(token);
    const fits = (known?.audiences ?? [OWN_AUDIENCE]).filter((audience) => audiences.includes(audience));
    if (!known || fits.length === 0) {
      return { authenticated: false, error: "[invalid bearer token, Token has been invalidated]" };
    }
    return { authenticated: true, user: { username: known.username, uid: "u" }, audiences: fits };
  }
}

function status(code: number, reason: string): Response {
  return Response.json({ kind: "Status", status: "Failure", reason, code }, { status: code });
}
