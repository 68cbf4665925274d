import { SallyportError } from "../../../telemetry/error.ts";
import type { AuditEntry } from "../../store/audit.ts";

/** Why a login was refused, in Infisical's words (PROTOCOL F, "Login reason codes"). */
export type LoginReason =
  | "method_mismatch"
  | "config_missing"
  | "malformed_request"
  | "invalid_region"
  | "sts_request_failed"
  | "no_allowlist_configured"
  | "account_id_not_allowed"
  | "principal_arn_not_allowed"
  | "token_review_forbidden"
  | "token_review_request_failed"
  | "token_review_malformed_response"
  | "token_review_error"
  | "token_not_authenticated"
  | "not_a_service_account"
  | "namespace_not_allowed"
  | "name_not_allowed"
  | "audience_not_allowed";

/** A login that failed: 401, and in the audit log with its reason. The message ends with the reason's code, but for method_mismatch. */
export class LoginRefused extends SallyportError {
  readonly reason: LoginReason;
  /** Who it was, as far as that was found out; for the audit log. */
  readonly who: AuditEntry["detail"];

  constructor(
    reason: LoginReason,
    message: string,
    options: { who?: AuditEntry["detail"]; cause?: unknown } = {},
  ) {
    // That one is not told to a stranger: it would say that there is such a gateway.
    const known = reason !== "method_mismatch";
    super("UNAUTHENTICATED", known ? `${message} (${reason}).` : message, { cause: options.cause });
    this.reason = reason;
    this.who = options.who ?? {};
  }
}
