import { z } from "zod";
import { RESOURCE_KINDS, TARGET_MODES } from "./resource-kinds.ts";

/**
 * What a platform answers (PROTOCOL A), as the agents and the CLI read it: unknown fields are dropped, fields that only
 * Sallyport's platform sends are optional, so that the same client works against Infisical's. A private key is absent
 * when the request carried the public part (EXTENSIONS X1).
 */

const text = z.string().max(256 * 1024);
const id = z.string().min(1).max(64);
const name = z.string().min(1).max(253);
const port = z.number().int().min(1).max(65_535);
/** RFC 3339; an older platform may leave it out. */
const time = z.string().max(64).nullish();

/** Only Sallyport's platform says which one it is. */
export const statusAnswer = z.object({ platformId: id.optional() });

export const gatewayLoginAnswer = z.object({ accessToken: text.min(1), gatewayId: id });
export type GatewayLogin = z.infer<typeof gatewayLoginAnswer>;

export const relayLoginAnswer = z.object({ accessToken: text.min(1), relayId: id });
export type RelayLogin = z.infer<typeof relayLoginAnswer>;

const gatewaySsh = z.object({
  clientCertificate: text,
  clientPrivateKey: text.optional(),
  /** One line, or several while authorities change. */
  serverCAPublicKey: text,
});

export const gatewayConnectAnswer = z.object({
  gatewayId: id,
  relayHost: name.optional(),
  /** Absent = 2222. */
  sshPort: port.optional(),
  pki: z.object({
    serverCertificate: text,
    serverPrivateKey: text.optional(),
    clientCertificateChain: text,
  }),
  ssh: gatewaySsh.optional(),
  /** Only from Sallyport's platform (X2), best first; the first one repeats `relayHost`, `sshPort` and `ssh`. */
  relays: z
    .array(z.object({ relayName: name, relayHost: name, sshPort: port.optional(), ssh: gatewaySsh }))
    .max(4)
    .optional(),
});
export type GatewayConnect = z.infer<typeof gatewayConnectAnswer>;

export const relayConnectAnswer = z.object({
  /** Absent in the answer to an instance relay's registration. */
  relayId: id.optional(),
  /** Only from Sallyport's platform: the name and host on record, which decide the certificates. */
  relayName: name.optional(),
  relayHost: name.optional(),
  pki: z.object({
    serverCertificate: text,
    serverPrivateKey: text.optional(),
    clientCertificateChain: text,
  }),
  ssh: z.object({
    serverCertificate: text,
    serverPrivateKey: text.optional(),
    clientCAPublicKey: text,
  }),
});
export type RelayConnect = z.infer<typeof relayConnectAnswer>;

/** `nextReportSeconds` only from Sallyport's platform. */
export const loadAnswer = z.object({ nextReportSeconds: z.number().int().min(1).nullish() });

export const messageAnswer = z.object({ message: text });

/** What a relay is told about the tunnels that it reported. */
export const tunnelReportAnswer = z.object({
  complete: z.boolean(),
  refused: z.array(z.object({ gatewayId: id, generation: z.number().int().nullable() })).max(1000),
});
export type TunnelReportAnswer = z.infer<typeof tunnelReportAnswer>;

/** How a gateway or a relay logs in (PROTOCOL A.3); what other platforms show more is dropped. */
export const authMethodView = z.object({
  method: z.string().max(64),
  allowedPrincipalArns: text.optional(),
  allowedAccountIds: text.optional(),
  requireAudience: z.boolean().optional(),
  kubernetesHost: text.optional(),
  hasTokenReviewerJwt: z.boolean().optional(),
  allowedNamespaces: text.optional(),
  allowedNames: text.optional(),
  allowedAudience: text.optional(),
});
export type AuthMethodView = z.infer<typeof authMethodView>;

const conditionAnswer = z.object({
  code: z.string().max(64),
  title: text,
  severity: z.string().max(16),
  since: z.string().max(64),
  text,
  fix: text,
  impactsTraffic: z.boolean(),
  /** The relay that it is about, where there are several. */
  about: name.optional(),
});

/** Only from Sallyport's platform (EXTENSIONS X7). */
const healthAnswer = z.object({
  status: z.string().max(32),
  /** Of the status. */
  since: time,
  cause: z.object({ code: z.string().max(64), text, fix: text }).nullish(),
  /** The worst first; causes only. */
  conditions: z.array(conditionAnswer).max(100).default([]),
});
export type HealthAnswer = z.infer<typeof healthAnswer>;

export const relayRow = z.object({
  id,
  /** null = shared by every organisation of the instance. */
  orgId: z.string().max(64).nullish(),
  name,
  host: name,
  heartbeat: time,
  createdAt: time,
  /** Only from Sallyport's platform; absent = 2222 and 8443. */
  sshPort: port.optional(),
  tlsPort: port.optional(),
  /** Gateways that name no relay may choose it; only from Sallyport's platform. */
  autoSelect: z.boolean().optional(),
  /** Not in lists; null for an instance relay. */
  authMethod: authMethodView.nullish(),
  health: healthAnswer.optional(),
});
export type RelayRow = z.infer<typeof relayRow>;
export const relayRows = z.array(relayRow).max(10_000);

const gatewayHealth = healthAnswer.extend({
  tunnels: z
    .array(
      z.object({
        relayId: id,
        relayName: name,
        state: z.string().max(32),
        since: z.string().max(64).nullish(),
      }),
    )
    .max(100),
});

export const gatewayRow = z.object({
  id,
  name,
  relayId: z.string().max(64).nullish(),
  heartbeat: time,
  heartbeatTTL: z.number().nullish(),
  createdAt: time,
  health: gatewayHealth.optional(),
  /** Not in lists. */
  authMethod: authMethodView.optional(),
});
export type GatewayRow = z.infer<typeof gatewayRow>;
export const gatewayRows = z.array(gatewayRow).max(10_000);

export const enrollmentTokenAnswer = z.object({ token: text.min(1), expiresAt: z.string().max(64) });
export type EnrollmentToken = z.infer<typeof enrollmentTokenAnswer>;

export const resourceRow = z.object({
  id,
  name,
  /** Behind a gateway or behind a pool: the other two are null. */
  gatewayId: id.nullish(),
  gatewayName: name.nullish(),
  poolId: id.nullish(),
  poolName: name.nullish(),
  host: name,
  port,
  kind: z.enum(RESOURCE_KINDS),
  createdAt: time,
});
export type ResourceRow = z.infer<typeof resourceRow>;
export const resourceRows = z.array(resourceRow).max(10_000);
export const checkedResource = resourceRow.extend({ warnings: z.array(text).max(20).default([]) });
export type CheckedResource = z.infer<typeof checkedResource>;

export const poolRow = z.object({ id, name, createdAt: time });
export type PoolRow = z.infer<typeof poolRow>;

export const poolListEntry = poolRow.extend({
  memberCount: z.number().int(),
  healthyMemberCount: z.number().int(),
  memberGatewayIds: z.array(id).max(10_000),
  connectedResourcesCount: z.number().int(),
});
export type PoolListEntry = z.infer<typeof poolListEntry>;
export const poolListEntries = z.array(poolListEntry).max(10_000);

export const poolDetail = poolRow.extend({
  gateways: z
    .array(
      z.object({
        id,
        name,
        heartbeat: time,
        status: z.string().max(32),
        suspect: z.boolean(),
        /** null = it has not reported lately. */
        load: z.number().int().nullable(),
      }),
    )
    .max(10_000),
  connectedResourcesCount: z.number().int(),
});
export type PoolDetail = z.infer<typeof poolDetail>;

export const poolMembership = z.object({ id, gatewayPoolId: id, gatewayId: id });

const hop = z.object({
  clientCertificate: text,
  clientPrivateKey: text.optional(),
  serverCertificateChain: text,
});

export const accessAnswer = z.object({
  /** An older platform does not send it. */
  accessId: id.optional(),
  /** What the gateway was chosen from. */
  pool: z.object({ id, name }).nullish(),
  gatewayId: id,
  gatewayName: name,
  relayName: name,
  relayHost: name,
  relayPort: port,
  relay: hop,
  /** Best first; the first one repeats the fields above. An older platform names that one only. */
  relays: z
    .array(hop.extend({ relayName: name, relayHost: name, relayPort: port }))
    .max(16)
    .optional(),
  gateway: hop,
  target: z.object({ host: name, port, kind: z.enum(RESOURCE_KINDS), mode: z.enum(TARGET_MODES).optional() }),
  expiresAt: z.string().max(64),
});
export type Access = z.infer<typeof accessAnswer>;

export const grantRow = z.object({
  id,
  resourceId: id,
  /** Of a person, or of a machine identity, which an older platform does not have. */
  userId: id.nullable(),
  email: name.nullable(),
  identityId: id.nullish(),
  identityName: name.nullish(),
  /** null = until it is taken back. */
  endsAt: time,
  createdAt: time,
  lastUsedAt: time,
});
export type GrantRow = z.infer<typeof grantRow>;
export const grantRows = z.array(grantRow).max(10_000);

export const endedAnswer = z.object({ ended: z.number().int() });

export const auditEntry = z.object({
  id,
  time: z.string().max(64),
  event: z.string().max(64),
  actor: z.object({ type: z.string().max(64), id: z.string().nullable(), name: z.string().nullable() }),
  address: z.string().max(64).nullable(),
  detail: z.record(z.string(), z.unknown()),
});
export const auditPage = z.object({ entries: z.array(auditEntry).max(1000), next: z.string().nullable() });
export type AuditPage = z.infer<typeof auditPage>;

export const connectionEntry = z.object({
  id,
  gatewayId: id,
  gatewayName: name,
  resourceId: z.string().nullable(),
  resourceName: z.string().nullable(),
  grantId: z.string().nullable(),
  serial: z.string(),
  mode: z.string(),
  actor: z.object({ type: z.string(), id: z.string().nullable(), name: z.string().nullable() }),
  target: z.string(),
  openedAt: z.string().max(64),
  closedAt: z.string().max(64).nullable(),
  bytesUp: z.number().nullable(),
  bytesDown: z.number().nullable(),
  durationMs: z.number().nullable(),
  cause: z.string().nullable(),
});
export const connectionPage = z.object({
  connections: z.array(connectionEntry).max(1000),
  next: z.string().nullable(),
});
export type ConnectionPage = z.infer<typeof connectionPage>;

export const loginAnswer = z.object({ accessToken: text.min(1), expiresAt: z.string().max(64) });
export type Login = z.infer<typeof loginAnswer>;

export const whoAnswer = z.object({
  /** Absent for a machine identity. */
  user: z.object({ id, email: name }).optional(),
  identity: z.object({ id, name }).optional(),
  organisation: z.object({ id, name }),
});
export type Who = z.infer<typeof whoAnswer>;

/** How a person or a machine identity is called. */
export function whoName({ user, identity }: Who): string {
  return user?.email ?? identity?.name ?? "somebody";
}

/** PROTOCOL A: the envelope of every refusal; `code` comes from Sallyport's platform only. */
export const refusalAnswer = z.object({
  message: z.string(),
  code: z.string().max(64).optional(),
  reqId: z.string().max(128).optional(),
});

export const methodAnswer = z.object({ method: text });
