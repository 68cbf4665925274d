import { join } from "node:path";
import { z } from "zod";
import { readTextFile } from "../host/bounded-file.ts";
import { isGatewayName, isRelayName } from "../host/names.ts";
import { SallyportError } from "../telemetry/error.ts";

/** `identity.json`: whose directory this is. It is written last, so a directory without it is not finished. */
export const IDENTITY_FILE = "identity.json";
export const REVOKED_FILE = "revoked.json";

/** The other files of each kind of directory. Private keys stay where they were made, so they may come from outside. */
export const RELAY_FILES = {
  certificate: "tls-certificate.pem",
  key: "tls-key.pem",
  clientAuthorities: "client-authorities.pem",
  hostCertificate: "ssh-host-certificate.pub",
  hostKey: "ssh-host-key",
  userAuthorities: "ssh-user-authorities.pub",
} as const;

export const GATEWAY_FILES = {
  certificate: "tls-certificate.pem",
  key: "tls-key.pem",
  clientAuthorities: "client-authorities.pem",
  sshKey: "ssh-key",
  hostAuthorities: "ssh-host-authorities.pub",
  /** One per relay: a user certificate fits one relay only. */
  sshCertificate: (relayName: string) => `ssh-certificate-${relayName}.pub`,
} as const;

export const CLIENT_FILES = {
  relayCertificate: "relay-certificate.pem",
  relayKey: "relay-key.pem",
  relayAuthorities: "relay-authorities.pem",
  gatewayCertificate: "gateway-certificate.pem",
  gatewayKey: "gateway-key.pem",
  gatewayAuthorities: "gateway-authorities.pem",
} as const;

const SIZE_LIMIT = 64 * 1024;

const port = z.number().int().min(1).max(65_535);
const host = z.string().min(1).max(253);
const relayName = z.string().refine(isRelayName, "no relay name");
const gatewayName = z.string().refine(isGatewayName, "no gateway name");
const common = { version: z.literal(1), orgId: z.uuid(), expiresAt: z.iso.datetime() };

const relaySchema = z.object({
  ...common,
  role: z.literal("relay"),
  relayId: z.uuid(),
  relayName,
  host,
  sshPort: port,
  tlsPort: port,
});

const gatewaySchema = z.object({
  ...common,
  role: z.literal("gateway"),
  gatewayId: z.uuid(),
  gatewayName,
  relays: z
    .array(z.object({ relayName, host, sshPort: port }))
    .min(1)
    .max(4),
});

const clientSchema = z.object({
  ...common,
  role: z.literal("client"),
  clientId: z.uuid(),
  gatewayId: z.uuid(),
  gatewayName,
  relayName,
  relayHost: host,
  relayPort: port,
  target: z.object({ host, port }),
});

const identitySchema = z.discriminatedUnion("role", [relaySchema, gatewaySchema, clientSchema]);

export type RelayIdentity = z.infer<typeof relaySchema>;
export type GatewayIdentity = z.infer<typeof gatewaySchema>;
export type ClientIdentity = z.infer<typeof clientSchema>;
export type Identity = z.infer<typeof identitySchema>;

/**
 * Whose directory it is, or undefined if it has no identity (yet).
 * @throws SallyportError FILE_UNREADABLE, CONFIG_INVALID
 */
export async function readIdentity(directory: string): Promise<Identity | undefined> {
  const path = join(directory, IDENTITY_FILE);
  const text = await readTextFile(path, SIZE_LIMIT);
  if (text === undefined) return undefined;
  const result = identitySchema.safeParse(parseJson(path, text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.join(".") || "its shape";
  throw new SallyportError("CONFIG_INVALID", `${path} is damaged (${where}): issue the directory again`);
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SallyportError("CONFIG_INVALID", `${path} is not JSON: issue the directory again`, { cause });
  }
}
