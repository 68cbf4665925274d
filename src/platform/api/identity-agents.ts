import { z } from "@hono/zod-openapi";
import { agentReport } from "../../platform-client/agent-report.ts";
import { connectGateway } from "../services/gateways/gateway-connect.ts";
import { registerGateway } from "../services/identities/identity-gateways.ts";
import { registerRelay, requireRelayOf } from "../services/identities/identity-relays.ts";
import { answers, gatewayName, jsonBody, message, relayHost, relayName } from "./fields.ts";
import { gatewayCertificates, gatewayWish, refuseDirectAddress } from "./gateway-agents.ts";
import { relayCertificates, relayExtensions } from "./relay-agents.ts";
import { declareRoute, requireIdentity, routes } from "./route.ts";

const register = declareRoute(
  { to: ["identity", "gateway"], right: "create-gateways" },
  {
    method: "post",
    path: "/api/v2/gateways",
    summary: "Register a machine identity's gateway",
    request: { body: jsonBody(gatewayWish.extend({ name: gatewayName.optional() })) },
    responses: answers(gatewayCertificates, "Certificates for the gateway that the machine identity is"),
  },
);

const registerOrgRelay = declareRoute(
  { to: ["identity"], right: "create-relays" },
  {
    method: "post",
    path: "/api/v1/relays/register-org-relay",
    summary: "Register a machine identity's relay",
    request: { body: jsonBody(relayExtensions.extend({ name: relayName, host: relayHost })) },
    responses: answers(
      relayCertificates.extend({ relayId: z.string() }),
      "Certificates for the relay that the machine identity is",
    ),
  },
);

const heartbeatOrgRelay = declareRoute(
  { to: ["identity"], right: "create-relays" },
  {
    method: "post",
    path: "/api/v1/relays/heartbeat-org-relay",
    summary: "Ask to be looked for, as a machine identity's relay",
    request: { body: jsonBody(z.object({ name: relayName, report: agentReport.optional() })) },
    responses: answers(message, "The platform reached the relay"),
  },
);

/** Gateways and relays that run as a machine identity (PROTOCOL A.1, 4, and A.2, v1). */
export const identityAgentRoutes = routes()
  .openapi(register, async (c) => {
    const { core } = c.var.services;
    const { actor } = c.var;
    const { directAddress, name, ...wish } = c.req.valid("json");
    refuseDirectAddress(directAddress);
    if (actor.kind === "gateway") return c.json(await connectGateway(core, actor, wish), 200);
    return c.json(await registerGateway(core, requireIdentity(actor), { name, ...wish }), 200);
  })
  .openapi(registerOrgRelay, async (c) => {
    const identity = requireIdentity(c.var.actor);
    return c.json(await registerRelay(c.var.services.core, identity, c.req.valid("json")), 200);
  })
  .openapi(heartbeatOrgRelay, async (c) => {
    const { core, probes, healthWrites } = c.var.services;
    const { relayId } = await requireRelayOf(core, c.var.actor);
    await healthWrites.add({ kind: "heartbeat", subject: { relayId }, report: c.req.valid("json").report });
    await probes.relay(relayId);
    return c.json({ message: "Successfully triggered heartbeat" }, 200);
  });
