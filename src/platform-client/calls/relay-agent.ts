import { z } from "zod";
import type { AgentReport } from "../agent-report.ts";
import type { PublicParts } from "../own-keys.ts";
import type { MachineProof, TokenLogin } from "./agent-login.ts";
import { type Ask, Calls, post } from "./calls.ts";
import { id, messageAnswer, name, text } from "./fields.ts";

export interface RelayPorts {
  sshPort?: number;
  tlsPort?: number;
}

export interface RelayRegistration extends PublicParts, RelayPorts {
  name: string;
  host: string;
}

/** How a relay of the instance says which one it is. */
export interface InstanceRelay {
  name: string;
  secret: string;
}

/** At most 500 of each. */
export interface TunnelReport {
  opened: { gatewayId: string; generation: number }[];
  closed: string[];
  /** How long this counts; 0 = the relay is about to stop. */
  leaseSeconds: number;
  /** `opened` is all there is. */
  complete?: boolean;
}

const relayLoginAnswer = z.object({ accessToken: text.min(1), relayId: id });
export type RelayLogin = z.infer<typeof relayLoginAnswer>;

export const relayConnectAnswer = z.object({
  /** Absent in the answer to an instance relay's registration. */
  relayId: id.optional(),
  /** Only from Sallyport's platform: the name and host on record, which decide the certificates. */
  relayName: name.optional(),
  relayHost: name.optional(),
  /** A private key is absent when the request carried the public part (EXTENSIONS X1). */
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

/** What a relay is told about the tunnels that it reported. */
const tunnelReportAnswer = z.object({
  complete: z.boolean(),
  refused: z.array(z.object({ gatewayId: id, generation: z.number().int().nullable() })).max(1000),
});
export type TunnelReportAnswer = z.infer<typeof tunnelReportAnswer>;

/** What a relay asks for itself (PROTOCOL A.2). */
export class RelayAgentCalls extends Calls {
  /** Also @throws ENROLLMENT_TOKEN_INVALID */
  login(body: TokenLogin | (MachineProof & { relayId: string }), ask: Ask = {}): Promise<RelayLogin> {
    return this.call({
      ...post("/v2/relays/login", body, ask),
      ...(body.method === "token" && { badRequest: "ENROLLMENT_TOKEN_INVALID" }),
      answer: relayLoginAnswer,
    });
  }

  connect(body: PublicParts & RelayPorts, ask: Ask = {}): Promise<RelayConnect> {
    return this.call({ ...post("/v2/relays/connect", body, ask), answer: relayConnectAnswer });
  }

  /** Answers once the platform has reached the relay's TLS port. */
  async heartbeat(body?: { report?: AgentReport }, ask: Ask = {}): Promise<void> {
    await this.call({ ...post("/v2/relays/heartbeat", body, ask), answer: messageAnswer });
  }

  registerInstance(secret: string, body: RelayRegistration, ask: Ask = {}): Promise<RelayConnect> {
    return this.call({
      ...post("/v1/relays/register-instance-relay", body, ask),
      bearer: secret,
      answer: relayConnectAnswer,
    });
  }

  async heartbeatInstance(
    secret: string,
    body: { name: string; report?: AgentReport },
    ask: Ask = {},
  ): Promise<void> {
    await this.call({
      ...post("/v1/relays/heartbeat-instance-relay", body, ask),
      bearer: secret,
      answer: messageAnswer,
    });
  }

  /** Says which tunnels a relay holds (EXTENSIONS X7). NOT_FOUND from platforms that don't ask for that. */
  reportTunnels(
    report: TunnelReport,
    ask: Ask & { instanceRelay?: InstanceRelay } = {},
  ): Promise<TunnelReportAnswer> {
    const { instanceRelay, ...rest } = ask;
    const body = { ...report, ...(instanceRelay && { relayName: instanceRelay.name }) };
    return this.call({
      ...post("/v1/relays/tunnels", body, rest),
      ...(instanceRelay && { bearer: instanceRelay.secret }),
      answer: tunnelReportAnswer,
    });
  }
}
