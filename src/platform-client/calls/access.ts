import { z } from "zod";
import { RESOURCE_KINDS, TARGET_MODES, type TargetMode } from "../resource-kinds.ts";
import { type Ask, Calls, path, post } from "./calls.ts";
import { id, instant, name, port, text } from "./fields.ts";

export interface AccessRequest {
  /** PKCS#10 PEM for the certificate shown to the relay; without it the answer holds a private key. */
  relayCsr?: string;
  /** The same for the certificate shown to the gateway. */
  gatewayCsr?: string;
}

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
  expiresAt: instant,
});
export type Access = z.infer<typeof accessAnswer>;

/** Certificates for both hops of the way to a target. */
export class AccessCalls extends Calls {
  /** @param body `failedAccessId` names an answer whose gateway could not be reached */
  toResource(
    idOrName: string,
    body: AccessRequest & { failedAccessId?: string } = {},
    ask: Ask = {},
  ): Promise<Access> {
    return this.call({ ...post(path`/v1/resources/${idOrName}/access`, body, ask), answer: accessAnswer });
  }

  throughGateway(
    idOrName: string,
    body: AccessRequest & { targetHost: string; targetPort: number; kind?: TargetMode },
    ask: Ask = {},
  ): Promise<Access> {
    return this.call({ ...post(path`/v1/gateways/${idOrName}/access`, body, ask), answer: accessAnswer });
  }
}
