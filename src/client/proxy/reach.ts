import { isIP } from "node:net";
import { formatHostPort, type HostPort } from "../../host/address.ts";
import type { ClientCredentials } from "../../pki/credentials.ts";
import type { ResourceRow } from "../../platform-client/calls/resources.ts";
import type { PlatformClient } from "../../platform-client/client.ts";
import { hasScheme, modeOf } from "../../platform-client/resource-kinds.ts";
import { SallyportError } from "../../telemetry/error.ts";
import type { Admit } from "../opener.ts";
import { PlatformAccess, type Wanted } from "../platform-access.ts";

/**
 * What leads to a target that a local program names. Names are never resolved here: that is the gateway's to do.
 * `key` is the same for targets that lead to the same place.
 * @throws SallyportError when nothing does
 */
export type Reach = (target: HostPort) => Promise<{ key: string; admit: Admit }>;

/** Whatever the platform lets this person reach through one gateway. */
export function throughGateway(client: PlatformClient, gateway: string): Reach {
  return async ({ host, port }) => ({
    key: formatHostPort(host, port),
    admit: admission(client, { gateway, targetHost: bracketed(host), targetPort: port, kind: "tcp" }),
  });
}

/** How long a list of resources is taken for the present one. */
const LIST_MS = 15_000;

/** The resources that this person may reach: by their names, or by the host and port they have. */
export function throughResources(client: PlatformClient, now: () => number = () => performance.now()): Reach {
  let known: { rows: Promise<ResourceRow[]>; until: number } | undefined;
  const list = async () => {
    if (!known || now() > known.until) known = { rows: client.resources.list(), until: now() + LIST_MS };
    const asked = known;
    try {
      return await asked.rows;
    } catch (error) {
      if (known === asked) known = undefined;
      throw error;
    }
  };
  return async (target) => {
    const resource = match(await list(), target);
    return { key: resource.name, admit: admission(client, { resource: resource.name }) };
  };
}

/** The one target of a certificate that was issued without a platform. */
export function throughCertificate(read: () => Promise<ClientCredentials>): Reach {
  return async (asked) => {
    const { target } = await read();
    if (target && !isSame(target, asked)) {
      throw new SallyportError(
        "TARGET_DENIED",
        `This certificate leads to ${formatHostPort(target.host, target.port)} only, not to ${formatHostPort(asked.host, asked.port)}: issue another one with "sallyport ca issue client".`,
      );
    }
    const admit: Admit = async () => {
      const credentials = await read();
      return { credentials, ways: [credentials], mode: "tcp", pooled: false, kind: "tcp" };
    };
    return { key: "certificate", admit };
  };
}

function admission(client: PlatformClient, wanted: Wanted): Admit {
  const access = new PlatformAccess(client, wanted);
  return (failed) => access.current(failed);
}

function match(rows: ResourceRow[], target: HostPort): ResourceRow {
  const asked = formatHostPort(target.host, target.port);
  const named = rows.find(({ name }) => name === target.host.toLowerCase());
  if (named) {
    if (named.port === target.port || (isHttp(named) && target.port === 80)) return named;
    throw new SallyportError(
      "NOT_FOUND",
      `The resource ${named.name} is on port ${named.port}, not on ${target.port}.`,
    );
  }
  const placed = rows.find(({ host, port }) => !hasScheme(host) && isSame({ host, port }, target));
  if (placed) return placed;
  throw new SallyportError(
    "NOT_FOUND",
    `No resource that you may reach is ${asked}: "sallyport resource list" shows them, --gateway reaches other targets.`,
  );
}

function isHttp({ kind, host }: ResourceRow): boolean {
  return modeOf(kind, host) === "http";
}

function isSame(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && spelled(a.host) === spelled(b.host);
}

/** One spelling for what is obviously the same host; what else may be the same is for the gateway to find out. */
function spelled(host: string): string {
  const bare = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
  return isIP(bare) === 6 ? new URL(`http://[${bare}]/`).hostname : bare;
}

/** As Infisical's gateways want it (PROTOCOL 0.5). */
function bracketed(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}
