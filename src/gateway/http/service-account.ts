import { readFile } from "node:fs/promises";
import { describe, SallyportError } from "../../telemetry/error.ts";
import type { Origin } from "./origin.ts";

/** The identity that Kubernetes gives the pod we run in (PROTOCOL 0.2, `x-infisical-action`). */
export interface ServiceAccount {
  /** The bearer token, read anew each time: Kubernetes rotates it. @throws SallyportError FILE_UNREADABLE */
  token(): Promise<string>;
  /** The pod's own API server, verified against the pod's CA. @throws SallyportError FILE_UNREADABLE, NOT_FOUND */
  apiServer(): Promise<Origin>;
}

const DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";

/** @param directory where the pod's `token` and `ca.crt` are mounted */
export function podServiceAccount(
  env: Record<string, string | undefined>,
  directory = DIRECTORY,
): ServiceAccount {
  return {
    token: () => readPodFile(directory, "token"),
    async apiServer() {
      const host = env.KUBERNETES_SERVICE_HOST;
      const port = Number(env.KUBERNETES_SERVICE_PORT_HTTPS ?? env.KUBERNETES_SERVICE_PORT ?? 443);
      if (!host) {
        throw new SallyportError(
          "NOT_FOUND",
          "This gateway runs in no Kubernetes pod: KUBERNETES_SERVICE_HOST is not set.",
        );
      }
      const authorities = await readPodFile(directory, "ca.crt");
      return { scheme: "https", host, port, authorities, verify: true };
    },
  };
}

async function readPodFile(directory: string, name: string): Promise<string> {
  try {
    return (await readFile(`${directory}/${name}`, "utf8")).trim();
  } catch (cause) {
    throw new SallyportError("FILE_UNREADABLE", `Cannot read the pod's ${name}: ${describe(cause)}.`, {
      cause,
    });
  }
}
