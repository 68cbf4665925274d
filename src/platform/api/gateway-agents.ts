import { z } from "@hono/zod-openapi";
import { agentReport } from "../../platform-client/agent-report.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { connectGateway } from "../services/gateways/gateway-connect.ts";
import { requireGatewayOf } from "../services/identities/identity-gateways.ts";
import { redeemEnrollmentToken } from "../services/login/enrollment.ts";
import { awsProof, gcpProof, kubernetesProof, logAgentIn, tokenProof } from "./agent-login.ts";
import { answers, csr, jsonBody, message, optionalJsonBody, relayName, sshPublicKey } from "./fields.ts";
import { declareRoute, HOLDERS, routes } from "./route.ts";

const login = declareRoute(["anyone"], {
  method: "post",
  path: "/api/v3/gateways/login",
  summary: "Log in as a gateway",
  request: {
    body: jsonBody(
      z.discriminatedUnion("method", [
        tokenProof,
        awsProof.extend({ gatewayId: z.uuid() }),
        kubernetesProof.extend({ gatewayId: z.uuid() }),
        gcpProof.extend({ gatewayId: z.uuid() }),
      ]),
    ),
  },
  responses: answers(
    z.object({ accessToken: z.string(), gatewayId: z.string(), tokenType: z.literal("Bearer") }),
    "Logged in; earlier access tokens are worthless",
  ),
});

const enroll = declareRoute(["anyone"], {
  method: "post",
  path: "/api/v3/gateways/token-auth/enroll",
  summary: "Log in as a gateway, the older way",
  request: { body: jsonBody(tokenProof.pick({ token: true })) },
  responses: answers(
    z.object({ accessToken: z.string(), gatewayId: z.string() }),
    "The older spelling of login",
  ),
});

const sshPart = z.object({
  clientCertificate: z.string(),
  clientPrivateKey: z.string().optional(),
  serverCAPublicKey: z.string(),
});

/** Which relays a gateway wants, and its keys. */
export const gatewayWish = z.object({
  relayName: relayName.optional(),
  relayNames: z.array(relayName).min(1).max(4).optional(),
  maxRelays: z.int().min(1).max(4).optional(),
  csr: csr.optional(),
  sshPublicKey: sshPublicKey.optional(),
  directAddress: z.unknown().optional(),
});

export const gatewayCertificates = z.object({
  gatewayId: z.string(),
  relayHost: z.string(),
  sshPort: z.int().optional(),
  pki: z.object({
    serverCertificate: z.string(),
    serverPrivateKey: z.string().optional(),
    clientCertificateChain: z.string(),
  }),
  ssh: sshPart,
  relays: z
    .array(z.object({ relayName: z.string(), relayHost: z.string(), sshPort: z.int(), ssh: sshPart }))
    .optional(),
});

const connect = declareRoute(
  { to: ["gateway", "relay", ...HOLDERS], right: "self" },
  {
    method: "post",
    path: "/api/v3/gateways/connect",
    summary: "Get a gateway's certificates",
    request: { body: optionalJsonBody(gatewayWish) },
    responses: answers(gatewayCertificates, "Certificates for the gateway and for each of its relays"),
  },
);

const heartbeat = declareRoute(
  { to: ["gateway", "identity"], right: "create-gateways" },
  {
    method: "post",
    path: "/api/v2/gateways/heartbeat",
    summary: "Ask to be looked for, as a gateway",
    request: {
      body: optionalJsonBody(
        z.object({
          capabilities: z.object({ pkcs11: z.boolean().optional() }).optional(),
          report: agentReport.optional(),
        }),
      ),
    },
    responses: answers(message, "The platform reached the gateway, or will look for it when its turn comes"),
  },
);

/** What a gateway calls (PROTOCOL A.1). */
export const gatewayAgentRoutes = routes()
  .openapi(login, async (c) => {
    const body = c.req.valid("json");
    const { accessToken, id } = await logAgentIn(c.var.services, {
      kind: "gateway",
      body: body.method === "token" ? body : { ...body, id: body.gatewayId },
      address: c.env.address,
    });
    return c.json({ accessToken, gatewayId: id, tokenType: "Bearer" as const }, 200);
  })
  .openapi(enroll, async (c) => {
    const { core, limiter } = c.var.services;
    const { token } = c.req.valid("json");
    const request = { kind: "gateway", token, address: c.env.address } as const;
    const redeemed = await redeemEnrollmentToken(core, limiter, request);
    return c.json({ accessToken: redeemed.accessToken, gatewayId: redeemed.id }, 200);
  })
  .openapi(connect, async (c) => {
    const { actor, services } = c.var;
    if (actor.kind !== "gateway") {
      throw new SallyportError("REQUEST_INVALID", "Invalid actor type for gateway connect");
    }
    const { directAddress, ...request } = c.req.valid("json");
    refuseDirectAddress(directAddress);
    return c.json(await connectGateway(services.core, actor, request), 200);
  })
  .openapi(heartbeat, async (c) => {
    const { core, probes, healthWrites } = c.var.services;
    const { gatewayId } = await requireGatewayOf(core, c.var.actor);
    const { report, capabilities: can = {} } = c.req.valid("json");
    const capabilities = JSON.stringify(can);
    const look = probes.forCaller(gatewayId);
    const isProbeDue = look === undefined;
    const [stored, looked] = await Promise.allSettled([
      healthWrites.add({ kind: "heartbeat", subject: { gatewayId }, report, capabilities, isProbeDue }),
      look,
    ]);
    for (const outcome of [stored, looked]) if (outcome.status === "rejected") throw outcome.reason;
    return c.json({ message: "Successfully triggered heartbeat" }, 200);
  });

/** @throws SallyportError REQUEST_INVALID */
export function refuseDirectAddress(directAddress: unknown): void {
  if (directAddress === undefined || directAddress === null) return;
  throw new SallyportError(
    "REQUEST_INVALID",
    "Direct listen is not supported: leave out the direct address, the gateway dials out to a relay.",
  );
}
