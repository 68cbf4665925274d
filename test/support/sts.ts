import { amzDate, authorize, readAuthorization } from "./sigv4.ts";

/** Somebody whom the stand-in knows. */
export interface AwsKey {
  accessKeyId: string;
  secretAccessKey: string;
  /** Temporary credentials have one. */
  sessionToken?: string;
  arn: string;
}

/** A key that was never given to anybody. */
export const ROLE_KEY: AwsKey = {
  accessKeyId: "ASIAEXAMPLEROLE00001",
  secretAccessKey: "an invented secret of a role",
  sessionToken: "an invented session token",
  arn: "arn:aws:sts::123456789012:assumed-role/gateway-office/i-0123456789abcdef0",
};

export interface StsCall {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/**
 * A stand-in for AWS STS on a loopback port: verifies the signature of what arrives, its date and its Host as AWS does,
 * and says whose it is. It answers other actions as well: whoever forwards them would notice nothing.
 */
export class StandInSts {
  readonly url: string;
  readonly calls: StsCall[] = [];
  readonly keys: AwsKey[] = [ROLE_KEY];
  /** Instead of the usual answer. */
  answer: ((call: StsCall) => Response | undefined | Promise<Response | undefined>) | undefined;
  readonly #server: Bun.Server<undefined>;

  constructor(readonly now: () => Date = () => new Date()) {
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        const { pathname, search } = new URL(request.url);
        const call = {
          method: request.method,
          path: `${pathname}${search}`,
          headers: Object.fromEntries(request.headers),
          body: await request.text(),
        };
        this.calls.push(call);
        return (await this.answer?.(call)) ?? this.#judge(call);
      },
    });
    this.url = `http://127.0.0.1:${this.#server.port}`;
  }

  async close(): Promise<void> {
    await this.#server.stop(true);
  }

  #judge(call: StsCall): Response {
    const given = call.headers.authorization ?? "";
    const claim = readAuthorization(given);
    if (!claim) return refusal("IncompleteSignature");
    const key = this.keys.find(({ accessKeyId }) => accessKeyId === claim.accessKeyId);
    if (!key || call.headers["x-amz-security-token"] !== key.sessionToken) {
      return refusal("InvalidClientTokenId");
    }
    const expected = authorize(call, { ...key, ...claim }, claim.signedHeaders);
    const china = claim.region.startsWith("cn-") ? ".cn" : "";
    const isForUs = call.headers.host === `sts.${claim.region}.amazonaws.com${china}`;
    if (given.replace(/, /g, ",") !== expected.replace(/, /g, ",") || !isForUs || claim.service !== "sts") {
      return refusal("SignatureDoesNotMatch");
    }
    const date = call.headers["x-amz-date"] ?? "";
    const [from, until] = [-15, 15].map((minutes) =>
      amzDate(new Date(this.now().getTime() + minutes * 60_000)),
    );
    if (date < (from ?? "") || date > (until ?? "")) return refusal("SignatureDoesNotMatch");
    return identity(key, new URLSearchParams(call.body).get("Action") ?? "", call.headers.accept ?? "");
  }
}

function identity({ arn, accessKeyId }: AwsKey, action: string, accept: string): Response {
  const result = { Account: arn.split(":")[4], Arn: arn, UserId: `AIDA:${accessKeyId}` };
  if (!accept.includes("application/json")) {
    const xml = `<${action}Response><${action}Result><Arn>${arn}</Arn></${action}Result></${action}Response>`;
    return new Response(xml, { headers: { "Content-Type": "text/xml" } });
  }
  return Response.json({
    [`${action}Response`]: { [`${action}Result`]: result, ResponseMetadata: { RequestId: "r" } },
  });
}

function refusal(code: string): Response {
  return Response.json(
    { Error: { Code: code, Message: "No.", Type: "Sender" }, RequestId: "r" },
    { status: 403 },
  );
}
