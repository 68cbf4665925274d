import { readTextFile } from "../../host/bounded-file.ts";
import { readSecretFile } from "../../host/environment.ts";
import type { AuthMethodRequest } from "../../platform-client/calls/agent-login.ts";
import { SallyportError } from "../../telemetry/error.ts";

/** What a method needs to know, for commands that set one. */
const settingArgs = {
  "allow-arn": {
    type: "string",
    description: "aws: principal that may log in: arn:aws:iam::<account>:role/<name>, with *; repeatable",
    valueHint: "arn",
  },
  "allow-account": {
    type: "string",
    description: "aws: account whose principals may log in; repeatable",
    valueHint: "id",
  },
  "require-audience": {
    type: "boolean",
    description:
      "aws: only by what is signed for this platform; --no-require-audience for Infisical's own CLI",
    default: true,
  },
  "kubernetes-host": {
    type: "string",
    description: "kubernetes: address of the cluster's API",
    valueHint: "https://host:port",
  },
  "kubernetes-ca-file": {
    type: "string",
    description: "kubernetes: PEM file of the cluster's authority",
    valueHint: "file",
  },
  "reviewer-token-file": {
    type: "string",
    description:
      "kubernetes: token of a service account with system:auth-delegator; without one the pod's own asks; - for stdin",
    valueHint: "file",
  },
  "allow-namespace": {
    type: "string",
    description: "kubernetes: namespace whose service accounts may log in, with *; repeatable",
    valueHint: "name",
  },
  "allow-service-account": {
    type: "string",
    description: "kubernetes: service account that may log in, with *; repeatable",
    valueHint: "name",
  },
  audience: {
    type: "string",
    description: "kubernetes: audience that tokens have to be for; needs --reviewer-token-file",
    valueHint: "name",
  },
  "verify-tls": {
    type: "boolean",
    description: "kubernetes: check the cluster's certificate; --no-verify-tls does not",
    default: true,
  },
} as const;

/** Flags of `create` and of `auth-method`. */
export const authMethodArgs = {
  "auth-method": {
    type: "string",
    description: "How it logs in: token (the default), aws or kubernetes",
    valueHint: "method",
  },
  ...settingArgs,
} as const;

interface Flags {
  "require-audience"?: boolean | undefined;
  "kubernetes-host"?: string | undefined;
  "kubernetes-ca-file"?: string | undefined;
  "reviewer-token-file"?: string | undefined;
  audience?: string | undefined;
  "verify-tls"?: boolean | undefined;
}

type Listed = "allow-arn" | "allow-account" | "allow-namespace" | "allow-service-account";

const CA_LIMIT = 10_240;
const OF_AWS = ["allow-arn", "allow-account"] as const;
const OF_KUBERNETES = ["allow-namespace", "allow-service-account"] as const;

/**
 * The method that the flags describe.
 * @throws SallyportError USAGE for a method that is not known, a missing flag or one of another method; FILE_UNREADABLE
 */
export async function requestedAuthMethod(
  method: string,
  flags: Flags,
  repeated: (flag: Listed) => string[],
): Promise<AuthMethodRequest> {
  const refuse = (others: readonly Listed[]) => {
    const wrong = others.find((flag) => repeated(flag).length > 0);
    if (wrong) throw usage(`--${wrong} is not for the method ${method}.`);
  };
  if (method === "token") {
    refuse([...OF_AWS, ...OF_KUBERNETES]);
    return { method };
  }
  if (method === "aws") {
    refuse(OF_KUBERNETES);
    const [allowedPrincipalArns, allowedAccountIds] = OF_AWS.map((flag) => repeated(flag).join(","));
    if (!allowedPrincipalArns && !allowedAccountIds) {
      throw usage("Say who may log in: add --allow-arn or --allow-account.");
    }
    return {
      method,
      allowedPrincipalArns: allowedPrincipalArns ?? "",
      allowedAccountIds: allowedAccountIds ?? "",
      requireAudience: flags["require-audience"] ?? true,
    };
  }
  if (method === "kubernetes") {
    refuse(OF_AWS);
    return await kubernetes(flags, repeated);
  }
  throw usage(
    `There is no authentication method ${JSON.stringify(method.slice(0, 40))}: use token, aws or kubernetes.`,
  );
}

async function kubernetes(flags: Flags, repeated: (flag: Listed) => string[]): Promise<AuthMethodRequest> {
  const { "kubernetes-host": kubernetesHost, "reviewer-token-file": reviewerFile } = flags;
  const [allowedNamespaces, allowedNames] = OF_KUBERNETES.map((flag) => repeated(flag).join(","));
  if (!kubernetesHost)
    throw usage("Say where the cluster's API is: add --kubernetes-host https://host:port.");
  if (!allowedNamespaces && !allowedNames) {
    throw usage("Say who may log in: add --allow-namespace or --allow-service-account.");
  }
  return {
    method: "kubernetes",
    kubernetesHost,
    caCertificate: await certificateIn(flags["kubernetes-ca-file"]),
    ...(reviewerFile !== undefined && { tokenReviewerJwt: await readSecretFile(reviewerFile) }),
    allowedNamespaces: allowedNamespaces ?? "",
    allowedNames: allowedNames ?? "",
    allowedAudience: flags.audience ?? "",
    verifyTlsCertificate: flags["verify-tls"] ?? true,
  };
}

async function certificateIn(path: string | undefined): Promise<string> {
  if (path === undefined) return "";
  const pem = await readTextFile(path, CA_LIMIT);
  if (pem !== undefined) return pem;
  throw new SallyportError("FILE_UNREADABLE", `There is no file ${path}.`);
}

function usage(message: string): SallyportError {
  return new SallyportError("USAGE", message);
}
