import type { Actor } from "../../pki/extensions.ts";
import type { TargetPolicy } from "../target-policy.ts";
import type { Resolver, Target } from "../target-resolve.ts";
import type { HttpConfig } from "./first-line.ts";
import { type Origin, parseOrigin } from "./origin.ts";
import type { ServiceAccount } from "./service-account.ts";
import { TargetAgent } from "./target-agent.ts";

export interface HttpSessionOptions {
  /** From the certificate; the host may carry a scheme. */
  target: Target;
  config: HttpConfig;
  actor: Actor;
  policy: TargetPolicy;
  serviceAccount: ServiceAccount;
  resolve?: Resolver;
}

/** Where one request goes. */
export interface Route {
  origin: Origin;
  agent: TargetAgent;
  /** Replaces the request's own `Authorization`. */
  authorization: string | undefined;
}

/** What the requests of one tunnel share: the origin, its connections and how many requests are under way. */
export class HttpSession {
  inFlight = 0;
  readonly #agents = new Map<string, TargetAgent>();
  readonly #ended = new AbortController();

  constructor(private readonly options: HttpSessionOptions) {}

  /**
   * The session's target or, on the platform's word only, the pod's own API server or the pod's token (PROTOCOL 0.2).
   * Anybody else's action, and unknown ones, count for nothing.
   * @throws SallyportError TARGET_UNRESOLVED | FILE_UNREADABLE | NOT_FOUND
   */
  async route(action: string | undefined): Promise<Route> {
    const { actor, serviceAccount } = this.options;
    const privileged = actor.type === "platform" ? action : undefined;
    if (privileged === "use-k8s-sa") {
      const [origin, token] = await Promise.all([serviceAccount.apiServer(), serviceAccount.token()]);
      return { origin, agent: this.#agent("pod", origin), authorization: `Bearer ${token}` };
    }
    const token = privileged === "inject-k8s-sa-auth-token" ? await serviceAccount.token() : undefined;
    const origin = this.#target();
    return {
      origin,
      agent: this.#agent("target", origin),
      authorization: token === undefined ? undefined : `Bearer ${token}`,
    };
  }

  /** Drops the connections to the target, finished or not. Safe to call twice. */
  close(): void {
    this.#ended.abort();
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #target(): Origin {
    const { target, config } = this.options;
    return { ...parseOrigin(target.host), port: target.port, ...config };
  }

  #agent(key: string, origin: Origin): TargetAgent {
    const present = this.#agents.get(key);
    if (present) return present;
    const { policy, resolve } = this.options;
    const agent = new TargetAgent(origin, policy, {
      signal: this.#ended.signal,
      ...(resolve && { resolve }),
    });
    this.#agents.set(key, agent);
    return agent;
  }
}
