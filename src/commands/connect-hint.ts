import { isIPv6 } from "node:net";
import { modeOf, type ResourceKind } from "../platform-client/resource-kinds.ts";

export interface Forwarded {
  kind: ResourceKind;
  /** Where the local port is. */
  host: string;
  port: number;
  /** What is behind it. */
  target: string;
}

/** The command that goes through the local port; undefined where nothing is known of what speaks there. */
export function connectHint({ kind, host: listening, port, target }: Forwarded): string | undefined {
  const host = ["0.0.0.0", "::"].includes(listening) ? "127.0.0.1" : listening;
  const place = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  switch (kind) {
    case "tcp":
      return undefined;
    case "http":
      return `http://${place}/`;
    case "ssh":
      // Each target keeps its own host key, whichever port it gets.
      return `ssh -p ${port} -o HostKeyAlias=${target} USER@${host}`;
    case "postgres":
      return `psql "host=${host} port=${port} user=USER dbname=DATABASE"`;
    case "mysql":
      return `mysql -h ${host} -P ${port} -u USER -p`;
    case "redis":
      return `redis-cli -h ${host} -p ${port}`;
    case "kubernetes":
      return modeOf(kind, target) === "http"
        ? `curl -H "Authorization: Bearer $TOKEN" http://${place}/version`
        : `kubectl --server=https://${place} --tls-server-name=${target} get pods`;
  }
}
