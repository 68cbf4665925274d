/** What a resource is, which decides its usual port and how it is spoken to. */
export const RESOURCE_KINDS = ["tcp", "http", "ssh", "postgres", "mysql", "redis", "kubernetes"] as const;
export type ResourceKind = (typeof RESOURCE_KINDS)[number];

/** How a tunnel speaks to its target (PROTOCOL D). */
export const TARGET_MODES = ["tcp", "http"] as const;
export type TargetMode = (typeof TARGET_MODES)[number];

const PORTS: Partial<Record<ResourceKind, number>> = {
  ssh: 22,
  postgres: 5432,
  mysql: 3306,
  redis: 6379,
  kubernetes: 443,
};

/** Where such a service usually listens; undefined where there is no usual port. */
export function usualPort(kind: ResourceKind, host: string): number | undefined {
  if (kind === "http") return host.startsWith("https://") ? 443 : 80;
  return PORTS[kind];
}

/**
 * HTTP where the gateway is to speak to the target: web services, and a cluster given as a URL. A cluster given as a
 * host is reached byte by byte: kubectl sends its credentials over TLS of its own only.
 */
export function modeOf(kind: ResourceKind, host: string): TargetMode {
  return kind === "http" || (kind === "kubernetes" && hasScheme(host)) ? "http" : "tcp";
}

/** Only HTTP mode knows targets with a scheme. */
export function mayHaveScheme(kind: ResourceKind): boolean {
  return kind === "http" || kind === "kubernetes";
}

export function hasScheme(host: string): boolean {
  return /^https?:\/\//.test(host);
}
