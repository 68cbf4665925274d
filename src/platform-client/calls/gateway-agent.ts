import { z } from "zod";
import type { AgentReport } from "../agent-report.ts";
import type { ConnectionRecord } from "../connections.ts";
import type { PublicParts } from "../own-keys.ts";
import type { MachineProof, TokenLogin } from "./agent-login.ts";
import { type Ask, Calls, post } from "./calls.ts";
import { id, messageAnswer, name, port, text } from "./fields.ts";

export interface GatewayConnectRequest extends PublicParts {
  relayName?: string;
  /** At most 4, best first. */
  relayNames?: string[];
  /** 1 to 4; without names the platform chooses. */
  maxRelays?: number;
}

const gatewayLoginAnswer = z.object({ accessToken: text.min(1), gatewayId: id });
export type GatewayLogin = z.infer<typeof gatewayLoginAnswer>;

/** A private key is absent when the request carried the public part (EXTENSIONS X1). */
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

/** `nextReportSeconds` only from Sallyport's platform. */
const loadAnswer = z.object({ nextReportSeconds: z.number().int().min(1).nullish() });

/** What a gateway asks for itself (PROTOCOL A.1). */
export class GatewayAgentCalls extends Calls {
  /** Also @throws ENROLLMENT_TOKEN_INVALID */
  login(body: TokenLogin | (MachineProof & { gatewayId: string }), ask: Ask = {}): Promise<GatewayLogin> {
    return this.call({
      ...post("/v3/gateways/login", body, ask),
      ...(body.method === "token" && { badRequest: "ENROLLMENT_TOKEN_INVALID" }),
      answer: gatewayLoginAnswer,
    });
  }

  connect(body: GatewayConnectRequest, ask: Ask = {}): Promise<GatewayConnect> {
    return this.call({ ...post("/v3/gateways/connect", body, ask), answer: gatewayConnectAnswer });
  }

  /** Answers once the platform has reached the gateway through its relay. */
  async heartbeat(
    body: { capabilities?: { pkcs11?: boolean }; report?: AgentReport } = {},
    ask: Ask = {},
  ): Promise<void> {
    await this.call({ ...post("/v2/gateways/heartbeat", body, ask), answer: messageAnswer });
  }

  /**
   * Says how many connections a gateway carries. NOT_FOUND from platforms that don't ask for that.
   * @returns in how many seconds to say it again; null where the platform does not tell
   */
  async reportLoad(activeChannels: number, ask: Ask = {}): Promise<number | null> {
    const call = post("/v2/gateways/metrics", { activeChannels }, ask);
    return (await this.call({ ...call, answer: loadAnswer })).nextReportSeconds ?? null;
  }

  /** Accounts for a gateway's connections (EXTENSIONS X10). NOT_FOUND from platforms that keep no account. */
  async reportConnections(
    report: { instance: string; records: ConnectionRecord[] },
    ask: Ask = {},
  ): Promise<void> {
    await this.call({ ...post("/v1/gateways/connections", report, ask), answer: messageAnswer });
  }
}
