import { z } from "@hono/zod-openapi";
import { SallyportError } from "../../telemetry/error.ts";
import { redeemEnrollmentToken } from "../services/enrollment.ts";
import { connectGateway } from "../services/gateway-connect.ts";
import { storeCapabilities } from "../store/gateways.ts";
import { answers, csr, jsonBody, message, optionalJsonBody, relayName, sshPublicKey } from "./fields.ts";
import { declareRoute, HOLDERS, requireGateway, routes } from "./route.ts";

const enrollmentToken = z.string().min(1).max(512);

const login = declareRoute(["anyone"], {
  method: "post",
  path: "/api/v3/gateways/login",
  request: {
    body: jsonBody(
      z.discriminatedUnion("method", [
        z.object({ method: z.literal("token"), token: enrollmentToken }),
        z.object({ method: z.enum(["aws", "kubernetes", "gcp"]), gatewayId: z.uuid() }),
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
  request: { body: jsonBody(z.object({ token: enrollmentToken })) },
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

const connect = declareRoute(
  { to: ["gateway", "relay", ...HOLDERS], right: "self" },
  {
    method: "post",
    path: "/api/v3/gateways/connect",
    request: {
      body: optionalJsonBody(
        z.object({
          relayName: relayName.optional(),
          relayNames: z.array(relayName).min(1).max(4).optional(),
          maxRelays: z.int().min(1).max(4).optional(),
          csr: csr.optional(),
          sshPublicKey: sshPublicKey.optional(),
          directAddress: z.unknown().optional(),
        }),
      ),
    },
    responses: answers(
      z.object({
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
      }),
      "Certificates for the gateway and for each of its relays",
    ),
  },
);

const heartbeat = declareRoute(["gateway"], {
  method: "post",
  path: "/api/v2/gateways/heartbeat",
  request: {
    body: optionalJsonBody(
      z.object({ capabilities: z.object({ pkcs11: z.boolean().optional() }).optional() }),
    ),
  },
  responses: answers(message, "The platform reached the gateway"),
});

/** What a gateway calls (PROTOCOL A.1). */
export const gatewayAgentRoutes = routes()
  .openapi(login, async (c) => {
    const body = c.req.valid("json");
    const { core, limiter } = c.var.services;
    const address = c.env.address;
    if (body.method !== "token") {
      // No gateway is set up for another method yet; the words don't tell whether it exists.
      const failure = new SallyportError("UNAUTHENTICATED", "Invalid gateway credentials");
      throw limiter.failed(address, body.gatewayId, failure);
    }
    const redeemed = await redeemEnrollmentToken(core, limiter, {
      kind: "gateway",
      token: body.token,
      address,
    });
    return c.json(
      { accessToken: redeemed.accessToken, gatewayId: redeemed.id, tokenType: "Bearer" as const },
      200,
    );
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
    if (directAddress !== undefined && directAddress !== null) {
      throw new SallyportError(
        "REQUEST_INVALID",
        "Direct listen is not supported: leave out the direct address, the gateway dials out to a relay.",
      );
    }
    return c.json(await connectGateway(services.core, actor, request), 200);
  })
  .openapi(heartbeat, async (c) => {
    const { core, probes } = c.var.services;
    const { gatewayId } = requireGateway(c.var.actor);
    const capabilities = JSON.stringify(c.req.valid("json").capabilities ?? {});
    await core.store.transaction((sql) => storeCapabilities(sql, gatewayId, capabilities));
    await probes.gateway(gatewayId);
    return c.json({ message: "Successfully triggered heartbeat" }, 200);
  });
