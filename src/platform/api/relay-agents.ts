import { z } from "@hono/zod-openapi";
import { agentReport } from "../../platform-client/agent-report.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { registerInstanceRelay } from "../services/relays/instance-relays.ts";
import { connectRelay } from "../services/relays/relay-connect.ts";
import { findInstanceRelay } from "../store/relays.ts";
import { awsProof, gcpProof, kubernetesProof, logAgentIn, tokenProof } from "./agent-login.ts";
import {
  answers,
  csr,
  jsonBody,
  message,
  optionalJsonBody,
  port,
  relayHost,
  relayName,
  sshPublicKey,
} from "./fields.ts";
import { declareRoute, requireRelay, routes } from "./route.ts";

/** EXTENSIONS X1, X2. */
export const relayExtensions = z.object({
  csr: csr.optional(),
  sshPublicKey: sshPublicKey.optional(),
  sshPort: port.optional(),
  tlsPort: port.optional(),
});

export const relayCertificates = z.object({
  relayName: z.string().optional(),
  relayHost: z.string().optional(),
  pki: z.object({
    serverCertificate: z.string(),
    serverPrivateKey: z.string().optional(),
    clientCertificateChain: z.string(),
  }),
  ssh: z.object({
    serverCertificate: z.string(),
    serverPrivateKey: z.string().optional(),
    clientCAPublicKey: z.string(),
  }),
});

const register = declareRoute(["relay-secret"], {
  method: "post",
  path: "/api/v1/relays/register-instance-relay",
  summary: "Register an instance relay with the shared secret",
  request: { body: jsonBody(relayExtensions.extend({ name: relayName, host: relayHost })) },
  responses: answers(relayCertificates, "Certificates for the relay"),
});

const instanceHeartbeat = declareRoute(["relay-secret"], {
  method: "post",
  path: "/api/v1/relays/heartbeat-instance-relay",
  summary: "Ask to be looked for, with the shared secret",
  request: { body: jsonBody(z.object({ name: relayName, report: agentReport.optional() })) },
  responses: answers(message, "The platform reached the relay"),
});

const login = declareRoute(["anyone"], {
  method: "post",
  path: "/api/v2/relays/login",
  summary: "Log in as a relay",
  request: {
    body: jsonBody(
      z.discriminatedUnion("method", [
        tokenProof,
        awsProof.extend({ relayId: z.uuid() }),
        kubernetesProof.extend({ relayId: z.uuid() }),
        gcpProof.extend({ relayId: z.uuid() }),
      ]),
    ),
  },
  responses: answers(
    z.object({ accessToken: z.string(), relayId: z.string(), tokenType: z.literal("Bearer") }),
    "Logged in; earlier access tokens are worthless",
  ),
});

const connect = declareRoute(["relay"], {
  method: "post",
  path: "/api/v2/relays/connect",
  summary: "Get a relay's certificates",
  request: { body: optionalJsonBody(relayExtensions) },
  responses: answers(relayCertificates.extend({ relayId: z.string() }), "Certificates for the relay"),
});

const heartbeat = declareRoute(["relay"], {
  method: "post",
  path: "/api/v2/relays/heartbeat",
  summary: "Ask to be looked for, as a relay",
  request: { body: optionalJsonBody(z.object({ report: agentReport.optional() })) },
  responses: answers(message, "The platform reached the relay"),
});

/** What a relay calls (PROTOCOL A.2). */
export const relayAgentRoutes = routes()
  .openapi(register, async (c) => {
    const { core } = c.var.services;
    return c.json(await registerInstanceRelay(core, c.req.valid("json"), c.env.address), 200);
  })
  .openapi(instanceHeartbeat, async (c) => {
    const { core, probes, healthWrites } = c.var.services;
    const { name, report } = c.req.valid("json");
    const relay = await findInstanceRelay(core.store.read, name);
    if (!relay) throw new SallyportError("NOT_FOUND", "There is no such instance relay: register it first.");
    await healthWrites.add({ kind: "heartbeat", subject: { relayId: relay.id }, report });
    await probes.relay(relay.id);
    return c.json({ message: "Successfully triggered heartbeat" }, 200);
  })
  .openapi(login, async (c) => {
    const body = c.req.valid("json");
    const { accessToken, id } = await logAgentIn(c.var.services, {
      kind: "relay",
      body: body.method === "token" ? body : { ...body, id: body.relayId },
      address: c.env.address,
    });
    return c.json({ accessToken, relayId: id, tokenType: "Bearer" as const }, 200);
  })
  .openapi(connect, async (c) => {
    const relay = requireRelay(c.var.actor);
    return c.json(await connectRelay(c.var.services.core, relay, c.req.valid("json")), 200);
  })
  .openapi(heartbeat, async (c) => {
    const { probes, healthWrites } = c.var.services;
    const { relayId } = requireRelay(c.var.actor);
    await healthWrites.add({ kind: "heartbeat", subject: { relayId }, report: c.req.valid("json").report });
    await probes.relay(relayId);
    return c.json({ message: "Successfully triggered heartbeat" }, 200);
  });
