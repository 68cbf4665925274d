import { readSecretFile } from "../host/environment.ts";
import type { GivenIdentity } from "../platform-client/identity-login.ts";
import { SallyportError } from "../telemetry/error.ts";
import { say } from "./output.ts";

/** Flags of whatever can act as a machine identity: Infisical's words, and a file for the secret. */
export const universalAuthArgs = {
  "client-id": { type: "string", description: "Client id of a machine identity", valueHint: "id" },
  "client-secret": {
    type: "string",
    description: "Its client secret; --client-secret-file shows it to nobody",
    valueHint: "secret",
  },
  "client-secret-file": {
    type: "string",
    description: "File that holds the client secret; - for stdin",
    valueHint: "file",
  },
} as const;

/** The same for daemons, which may also enroll. */
export const identityMethodArgs = {
  "auth-method": {
    type: "string",
    description: "Run as a machine identity: universal-auth",
    valueHint: "method",
  },
  ...universalAuthArgs,
} as const;

interface UniversalAuthFlags {
  "auth-method"?: string | undefined;
  "client-id"?: string | undefined;
  "client-secret"?: string | undefined;
  "client-secret-file"?: string | undefined;
}

interface CredentialFlags extends UniversalAuthFlags {
  "enroll-method"?: string | undefined;
  token?: string | undefined;
  "token-file"?: string | undefined;
}

/** At most one of the two. */
export interface GivenCredentials {
  /** Works once. */
  token?: string;
  identity?: GivenIdentity;
}

/**
 * What the command line says a daemon is to enroll or log in with. A token of `gwe_...`, or any with the enroll method
 * token, is an enrollment token; any other is a machine identity's. As a flag every user of the machine can read it:
 * that is accepted for what works once, and said for what does not (ACCEPTANCE B6).
 * @throws SallyportError USAGE, UNSUPPORTED, FILE_UNREADABLE
 */
export async function givenCredentials(args: CredentialFlags): Promise<GivenCredentials> {
  const { token, "token-file": file } = args;
  if (token !== undefined && file !== undefined) {
    throw new SallyportError("USAGE", "Give --token or --token-file, not both.");
  }
  const identity = await givenUniversalAuth(args);
  const hidden = token === "-" || file !== undefined;
  const text = hidden ? await readSecretFile(file ?? "-") : token;
  if (text === undefined) return identity ? { identity } : {};
  if (identity) throw new SallyportError("USAGE", "Give a token or a client id, not both.");
  if (text.startsWith("gwe_") || args["enroll-method"] === "token") return { token: text };
  if (!hidden) warn("--token", "--token-file");
  return { identity: { accessToken: text } };
}

/** The machine identity of these flags; undefined when they name none. @throws SallyportError USAGE, UNSUPPORTED, FILE_UNREADABLE */
export async function givenUniversalAuth(args: UniversalAuthFlags): Promise<GivenIdentity | undefined> {
  const {
    "auth-method": method,
    "client-id": clientId,
    "client-secret": secret,
    "client-secret-file": file,
  } = args;
  if (method !== undefined && method !== "universal-auth") {
    throw new SallyportError(
      "UNSUPPORTED",
      `The auth method ${JSON.stringify(method.slice(0, 40))} is not supported: use universal-auth, or enroll with a token.`,
    );
  }
  if (secret !== undefined && file !== undefined) {
    throw new SallyportError("USAGE", "Give --client-secret or --client-secret-file, not both.");
  }
  if (secret !== undefined) warn("--client-secret", "--client-secret-file");
  const clientSecret = file === undefined ? secret : await readSecretFile(file);
  const nothing = [method, clientId, clientSecret].every((value) => value === undefined);
  return nothing ? undefined : { clientId, clientSecret, universalAuth: method !== undefined };
}

function warn(flag: string, better: string): void {
  say(
    `Warning: ${flag} shows a reusable secret to every user of this machine. Use ${better}, or - to read stdin.`,
  );
}
