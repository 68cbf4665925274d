import { readTextFile } from "../../host/bounded-file.ts";
import { SallyportError } from "../../telemetry/error.ts";

/** What a platform is given to log in by Kubernetes (PROTOCOL A.1). */
export interface KubernetesProof {
  method: "kubernetes";
  jwt: string;
}

/** Where a pod finds the token of its service account. */
const SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/** The platform takes no longer one. */
const TOKEN_LIMIT = 8192;

/**
 * Reads the token of this pod's service account, anew each time: the kubelet replaces it before it expires.
 * @throws SallyportError CONFIG_INVALID where there is none, FILE_UNREADABLE
 */
export async function readServiceAccountToken(path = SERVICE_ACCOUNT_TOKEN): Promise<KubernetesProof> {
  const jwt = (await readTextFile(path, TOKEN_LIMIT))?.trim();
  if (jwt) return { method: "kubernetes", jwt };
  throw new SallyportError(
    "CONFIG_INVALID",
    `There is no service account token in ${path}: run this in a pod whose service account is mounted, or say where ` +
      "its token is with --service-account-token-path.",
  );
}
