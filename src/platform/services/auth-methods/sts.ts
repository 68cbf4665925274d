import { z } from "zod";
import type { Fetch } from "../../../platform-client/transport.ts";
import { describe } from "../../../telemetry/error.ts";
import { VERSION } from "../../../version.ts";
import { Slots } from "../slots.ts";
import { type AwsPrincipal, parsePrincipal } from "./aws-principal.ts";
import { AUDIENCE_HEADER, type SignedCall, STS_BODY, STS_CONTENT_TYPE } from "./aws-request.ts";
import { readAnswer } from "./bounded-answer.ts";
import { LoginRefused } from "./refused.ts";

export interface StsOptions {
  /** Instead of AWS's own hosts, for every region: `scheme://host[:port]` (`--aws-sts-endpoint`). */
  endpoint?: string | undefined;
  fetch: Fetch;
}

const DEADLINE_MS = 10_000;
const AT_ONCE = 20;
const WAITING = 200;

const identity = z.object({
  GetCallerIdentityResponse: z.object({
    GetCallerIdentityResult: z.object({ Account: z.string().regex(/^\d{12}$/), Arn: z.string().max(2048) }),
  }),
});

const failure = z.object({ Error: z.object({ Code: z.string().regex(/^[A-Za-z.]{1,64}$/) }) });

/** AWS's Security Token Service, asked one question: who signed this. */
export class Sts {
  readonly #options: StsOptions;
  readonly #slots = new Slots(AT_ONCE, WAITING);

  constructor(options: StsOptions) {
    this.#options = options;
  }

  /** @throws LoginRefused sts_request_failed, principal_arn_not_allowed; SallyportError RESOURCE_SHORTAGE */
  async callerIdentity(call: SignedCall): Promise<AwsPrincipal> {
    const answer = await this.#slots.run(() => this.#ask(call));
    const parsed = identity.safeParse(answer);
    if (!parsed.success) throw failed("its answer can't be read");
    const { Account, Arn } = parsed.data.GetCallerIdentityResponse.GetCallerIdentityResult;
    const who = { principalArn: Arn, accountId: Account };
    const principal = parsePrincipal(Arn);
    if (!principal) {
      const what = Arn.endsWith(":root") ? "account root principals" : "principals of this kind";
      throw new LoginRefused("principal_arn_not_allowed", `AWS logins are not for ${what}`, { who });
    }
    if (principal.account !== Account || principal.partition !== call.region.partition) {
      throw failed("its answer contradicts itself");
    }
    return principal;
  }

  /** Built here to the last header: of the caller's there is the signature and what it covers. */
  async #ask(call: SignedCall): Promise<unknown> {
    const { stsHost } = call.region;
    const headers: Record<string, string> = {
      Accept: "application/json",
      Authorization: call.authorization,
      "Content-Type": STS_CONTENT_TYPE,
      Host: stsHost,
      "User-Agent": `sallyport/${VERSION}`,
      "X-Amz-Date": call.date,
    };
    if (call.sessionToken !== undefined) headers["X-Amz-Security-Token"] = call.sessionToken;
    if (call.audience !== undefined) headers[AUDIENCE_HEADER] = call.audience;
    const url = `${this.#options.endpoint ?? `https://${stsHost}`}/`;
    const signal = AbortSignal.timeout(DEADLINE_MS);
    try {
      const request = {
        method: "POST",
        headers,
        body: STS_BODY,
        redirect: "manual",
        keepalive: false,
      } as const;
      const response = await this.#options.fetch(url, { ...request, signal });
      const answer = await readAnswer(response);
      if (response.status === 200) return answer;
      const code = failure.safeParse(answer).data?.Error.Code;
      throw failed(`it answers ${response.status}${code === undefined ? "" : ` ${code}`}`);
    } catch (error) {
      if (error instanceof LoginRefused) throw error;
      throw failed(signal.aborted ? "it does not answer in time" : describe(error), error);
    }
  }
}

function failed(why: string, cause?: unknown): LoginRefused {
  return new LoginRefused("sts_request_failed", `AWS STS does not confirm the signature: ${why}`, { cause });
}
