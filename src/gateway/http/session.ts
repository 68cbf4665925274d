import type { Actor } from "../../pki/extensions.ts";
import { valuesOf } from "../../tunnel/http/field.ts";
import { badRequest } from "../../tunnel/http/head.ts";
import { HTTP_LIMITS, type HttpLimits } from "../../tunnel/http/limits.ts";
import type { Request } from "../../tunnel/http/request.ts";
import type { ProxyRules, Route } from "../../tunnel/http/serve.ts";
import type { TargetPolicy } from "../target-policy.ts";
import type { Resolver, Target } from "../target-resolve.ts";
import type { HttpConfig } from "./first-line.ts";
import { hostHeader, type Origin, parseOrigin } from "./origin.ts";
import { connectOrigin } from "./origin-dial.ts";
import { refusalOf } from "./refusal.ts";
import type { ServiceAccount } from "./service-account.ts";

export interface HttpSessionOptions {
  /** From the certificate; the host may carry a scheme. */
  target: Target;
  config: HttpConfig;
  actor: Actor;
  policy: TargetPolicy;
  serviceAccount: ServiceAccount;
  /** Failures carry the status that fits instead of Infisical's 500. */
  exactStatus: boolean;
  resolve?: Resolver | undefined;
  targetDialMs?: number | undefined;
  limits?: Partial<HttpLimits> | undefined;
}

/** Which Infisical action a request asks for; never forwarded (PROTOCOL 0.2). */
const ACTION = "x-infisical-action";

/** What the requests of one tunnel may do: reach the target of the certificate and, for the platform, two actions. */
export function sessionRules(options: HttpSessionOptions): ProxyRules {
  const { exactStatus, limits } = options;
  return {
    limits: { ...HTTP_LIMITS, ...limits },
    refusal: (error) => refusalOf(error, exactStatus),
    async tunnel() {
      throw badRequest("CONNECT is not forwarded, the target is fixed by the certificate");
    },
    async route(request) {
      const path = request.target;
      if (!path.startsWith("/") && !(path === "*" && request.method === "OPTIONS")) {
        throw badRequest("its target must be a path, the host is fixed by the certificate");
      }
      const { origin, token } = await destination(options, request);
      return routeTo(options, origin, token, path);
    },
  };
}

/**
 * The session's target or, on the platform's word only, the pod's own API server or the pod's token (PROTOCOL 0.2).
 * Anybody else's action, and unknown ones, count for nothing.
 * @throws SallyportError TARGET_UNRESOLVED | FILE_UNREADABLE | NOT_FOUND
 */
async function destination(
  { actor, serviceAccount, target, config }: HttpSessionOptions,
  { fields }: Request,
): Promise<{ origin: Origin; token?: string }> {
  const actions = valuesOf(fields, ACTION);
  if (actions.length > 1) throw badRequest(`it has more than one ${ACTION}`);
  const action = actor.type === "platform" ? actions[0] : undefined;
  if (action === "use-k8s-sa") {
    const [origin, token] = await Promise.all([serviceAccount.apiServer(), serviceAccount.token()]);
    return { origin, token };
  }
  const origin = { ...parseOrigin(target.host), port: target.port, ...config };
  if (action !== "inject-k8s-sa-auth-token") return { origin };
  return { origin, token: await serviceAccount.token() };
}

function routeTo(
  { policy, resolve, targetDialMs: timeoutMs }: HttpSessionOptions,
  origin: Origin,
  token: string | undefined,
  path: string,
): Route {
  return {
    // All of it: the pod's token goes over no connection that was made for another host or under another authority.
    key: JSON.stringify(origin),
    connect: (signal) => connectOrigin(origin, policy, { resolve, timeoutMs, signal }),
    path,
    host: hostHeader(origin),
    dropped: token === undefined ? [ACTION] : [ACTION, "authorization"],
    added: token === undefined ? [] : [{ name: "Authorization", value: `Bearer ${token}` }],
  };
}
