import { isIPv6 } from "node:net";
import { z } from "@hono/zod-openapi";
import { RESOURCE_KINDS, TARGET_MODES } from "../../platform-client/resource-kinds.ts";
import { csr, port } from "./fields.ts";

export const resourceKind = z.enum(RESOURCE_KINDS);

/** Of a target that is no resource. */
export const targetMode = z.enum(TARGET_MODES);

const DNS_NAME =
  /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/;

/** What a gateway dials: a name or an address, IPv6 in brackets (PROTOCOL 0.5); for HTTP also with its scheme. */
export const targetHost = z
  .string()
  .min(1)
  .max(260)
  .transform((text) => (isIPv6(text) && !text.includes("%") ? `[${text}]` : text))
  .refine(isTargetHost, "use a DNS name or an address, without port and path")
  .openapi({ example: "db.internal" });

export const accessRequest = z.object({ relayCsr: csr.optional(), gatewayCsr: csr.optional() });

const hop = z.object({
  clientCertificate: z.string(),
  /** Only for a hop without CSR. */
  clientPrivateKey: z.string().optional(),
  serverCertificateChain: z.string(),
});

export const accessAnswer = z
  .object({
    accessId: z.string(),
    pool: z.object({ id: z.string(), name: z.string() }).nullable(),
    gatewayId: z.string(),
    gatewayName: z.string(),
    relayName: z.string(),
    relayHost: z.string(),
    relayPort: port,
    relay: hop,
    relays: z.array(hop.extend({ relayName: z.string(), relayHost: z.string(), relayPort: port })),
    gateway: hop,
    target: z.object({ host: z.string(), port, kind: resourceKind, mode: targetMode }),
    expiresAt: z.string(),
  })
  .openapi("Access");

function isTargetHost(text: string): boolean {
  const host = text.replace(/^https?:\/\//, "");
  if (host.startsWith("[")) return host.endsWith("]") && !host.includes("%") && isIPv6(host.slice(1, -1));
  return host.length <= 253 && DNS_NAME.test(host);
}
