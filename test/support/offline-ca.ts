import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { atDesk, type Desk } from "../../src/pki/offline/desk.ts";
import { initAuthority } from "../../src/pki/offline/init.ts";
import { issueClient } from "../../src/pki/offline/issue-client.ts";
import { issueGateway } from "../../src/pki/offline/issue-gateway.ts";
import { issueRelay } from "../../src/pki/offline/issue-relay.ts";
import type { Workspace } from "./workspace.ts";

const DAY = 86_400;

/** A CA in a directory, as `ca init` makes it, with short ways to issue from it. */
export interface OfflineCa {
  directory: string;
  desk<T>(work: (desk: Desk) => Promise<T>, now?: Date): Promise<T>;
  relay(
    name: string,
    wish?: Partial<Parameters<typeof issueRelay>[1]>,
    now?: Date,
  ): ReturnType<typeof issueRelay>;
  gateway(
    name: string,
    wish?: Partial<Parameters<typeof issueGateway>[1]>,
    now?: Date,
  ): ReturnType<typeof issueGateway>;
  client(wish?: Partial<Parameters<typeof issueClient>[1]>, now?: Date): ReturnType<typeof issueClient>;
}

/** Issued directories lie beside the CA's, named like their holder: `relay-a`, `gateway-a`, `client`. */
export async function makeOfflineCa(workspace: Workspace, name: string): Promise<OfflineCa> {
  const directory = workspace.join(name, "ca");
  const place = { directory, env: {} };
  await workspace.directory(name);
  await initAuthority(place, { orgName: "acme", keyType: "ecdsa-p256" });
  const desk: OfflineCa["desk"] = (work, now) => atDesk(place, work, now);
  return {
    directory,
    desk,
    relay: (relay, wish, now) =>
      desk(
        (d) =>
          issueRelay(d, {
            ...{ name: relay, host: "127.0.0.1", sshPort: 2222, tlsPort: 8443, ttlSeconds: 30 * DAY },
            out: workspace.join(name, relay),
            ...wish,
          }),
        now,
      ),
    gateway: (gateway, wish, now) =>
      desk(
        (d) =>
          issueGateway(d, {
            ...{ name: gateway, relays: { names: ["relay-a"], hosts: [] }, ttlSeconds: 30 * DAY },
            out: workspace.join(name, gateway),
            ...wish,
          }),
        now,
      ),
    client: (wish, now) =>
      desk(
        (d) =>
          issueClient(d, {
            ...{ gatewayName: "gateway-a", target: { host: "db.internal", port: 5432 }, ttlSeconds: 3600 },
            out: workspace.join(name, "client"),
            ...wish,
          }),
        now,
      ),
  };
}

/** `drwx------` of the directory and `-rw-------` of every file in it. */
export async function isPrivate(directory: string): Promise<boolean> {
  const modes = await Promise.all((await readdir(directory)).map((name) => stat(join(directory, name))));
  const own = await stat(directory);
  return (own.mode & 0o777) === 0o700 && modes.every(({ mode }) => (mode & 0o777) === 0o600);
}
