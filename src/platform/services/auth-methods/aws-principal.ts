import { matchesPattern } from "./list.ts";

/** Who AWS says that somebody is. */
export interface AwsPrincipal {
  arn: string;
  partition: string;
  account: string;
  /** `role-name/session-name` of an assumed role, `path/to/name` of a user. */
  resource: string;
  kind: "user" | "assumed-role";
}

const ARN =
  /^arn:(aws|aws-us-gov|aws-cn):(?:iam::(\d{12}):user|sts::(\d{12}):assumed-role)\/([\w.@+=/,-]{1,1200})$/;

/** Undefined for the account's root and for kinds that can't log in, such as federated users. */
export function parsePrincipal(arn: string): AwsPrincipal | undefined {
  const [, partition = "", userAccount, roleAccount = "", resource = ""] = ARN.exec(arn) ?? [];
  if (resource === "") return undefined;
  return {
    arn,
    partition,
    account: userAccount ?? roleAccount,
    resource,
    kind: userAccount === undefined ? "assumed-role" : "user",
  };
}

const PATTERN =
  /^arn:(aws|aws-us-gov|aws-cn):(iam|sts)::(\d{12}):(?:\*|(user|role|assumed-role)\/([A-Za-z0-9_.@+=*/-]{1,600}))$/;

/**
 * Whether a pattern can be kept; otherwise why not. AWS does not say on which path an assumed role is: a role's name is
 * unique in its account, so a path before a whole name may be ignored, but not one before a wildcard.
 */
export function faultOfPattern(pattern: string): string | undefined {
  const [whole, , , , type, rest = ""] = PATTERN.exec(pattern) ?? [];
  if (whole === undefined) {
    return "use arn:aws:iam::<account id>:role/<name>, .../user/<name>, arn:aws:sts::<account id>:assumed-role/<name>, with * for any characters";
  }
  if (type === "role" && rest.includes("/") && rest.includes("*")) {
    return "AWS does not say on which path an assumed role is: leave the path out, or name the role without *";
  }
  return undefined;
}

/**
 * Whether one of the patterns allows the principal. `role/<name>` and `assumed-role/<name>` mean the role in any
 * session, `assumed-role/<name>/<session>` that session; `user/<name>` means the user on any path, and a pattern with a
 * path means it. The partition and the account have to be the pattern's own.
 */
export function isAllowed(principal: AwsPrincipal, patterns: string[]): boolean {
  return patterns.some((pattern) => allows(pattern, principal));
}

function allows(pattern: string, { partition, account, kind, resource }: AwsPrincipal): boolean {
  const [whole, itsPartition, service, itsAccount, type, rest = ""] = PATTERN.exec(pattern) ?? [];
  if (whole === undefined || itsPartition !== partition || itsAccount !== account) return false;
  const isUser = kind === "user";
  // An assumed role is one of IAM as well.
  if (type === undefined) return service === "iam" || !isUser;
  if (isUser) return service === "iam" && type === "user" && allowsUser(rest, resource);
  const [role = "", session = ""] = split(resource);
  if (service === "iam") return type === "role" && allowsRole(rest, role);
  return type === "assumed-role" && allowsSession(rest, role, session);
}

function allowsUser(pattern: string, resource: string): boolean {
  return matchesPattern(pattern, pattern.includes("/") ? resource : lastOf(resource));
}

function allowsRole(pattern: string, role: string): boolean {
  if (pattern.includes("/") && pattern.includes("*")) return false;
  return matchesPattern(lastOf(pattern), role);
}

/** A wildcard never reaches over into the session's name, which the caller chooses. */
function allowsSession(pattern: string, role: string, session: string): boolean {
  const [rolePattern = "", sessionPattern] = split(pattern);
  return (
    matchesPattern(rolePattern, role) &&
    (sessionPattern === undefined || matchesPattern(sessionPattern, session))
  );
}

function split(text: string): [string, string?] {
  const slash = text.indexOf("/");
  return slash < 0 ? [text] : [text.slice(0, slash), text.slice(slash + 1)];
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
