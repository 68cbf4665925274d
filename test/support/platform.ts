import { join } from "node:path";
import { formatHostPort } from "../../src/host/address.ts";
import { type Api, createApi } from "../../src/platform/api/api.ts";
import type { ApiServices } from "../../src/platform/api/env.ts";
import { openCore } from "../../src/platform/open-core.ts";
import { AlertDeliveries } from "../../src/platform/services/alerts/deliveries.ts";
import { evaluateAlerts } from "../../src/platform/services/alerts/evaluate.ts";
import type { Core } from "../../src/platform/services/core.ts";
import { EventFeed } from "../../src/platform/services/events/event-feed.ts";
import { LoadReports } from "../../src/platform/services/gateways/load-reports.ts";
import { type Prober, Probes } from "../../src/platform/services/health/probes.ts";
import { HealthWatch } from "../../src/platform/services/health/watch.ts";
import { HealthWrites } from "../../src/platform/services/health/writes.ts";
import { FailureLimiter } from "../../src/platform/services/login/failure-limiter.ts";
import { mintOpaqueToken } from "../../src/platform/services/login/opaque-tokens.ts";
import { RequestRate } from "../../src/platform/services/login/request-rate.ts";
import { insertApiToken } from "../../src/platform/store/api-tokens.ts";
import { insertMembership, insertOrganisation, insertUser } from "../../src/platform/store/people.ts";
import { type Logger, silentLogger } from "../../src/telemetry/log.ts";
import { DatabaseServer } from "./database-server.ts";
import { Workspace } from "./workspace.ts";

/** The databases that every behaviour is tested on. */
export const DATABASES = ["sqlite", "postgres"] as const;
export type Database = (typeof DATABASES)[number];

/** Options that open a database with a root key of its own. */
export interface DatabasePlace {
  dataDir: string;
  databaseUrl: string | undefined;
  env: Record<string, string>;
}

/** A place for databases; PostgreSQL starts with the first one that needs it. */
export class DatabaseHost {
  readonly #workspace: Workspace;
  #postgres: Promise<DatabaseServer> | undefined;
  #count = 0;

  private constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  static async open(): Promise<DatabaseHost> {
    return new DatabaseHost(await Workspace.open("platform"));
  }

  /** An empty database, as a new installation finds it. */
  fresh(database: Database): Promise<DatabasePlace> {
    return this.#place(database, "nothing");
  }

  /** A database without data; on PostgreSQL the tables are there already, which is quicker. */
  prepared(database: Database): Promise<DatabasePlace> {
    return this.#place(database, "tables");
  }

  async #place(database: Database, content: "nothing" | "tables"): Promise<DatabasePlace> {
    const name = `d${++this.#count}`;
    const env = { SALLYPORT_ROOT_KEY: Buffer.alloc(32, this.#count).toString("base64") };
    const dataDir = join(this.#workspace.path, name);
    if (database === "sqlite") return { dataDir, databaseUrl: undefined, env };
    this.#postgres ??= DatabaseServer.open();
    return { dataDir, databaseUrl: await (await this.#postgres).create(content), env };
  }

  /** Another directory that goes when the host does. */
  directory(name: string): Promise<string> {
    return this.#workspace.directory(name);
  }

  async close(): Promise<void> {
    if (this.#postgres !== undefined) await (await this.#postgres).close();
    await this.#workspace.close();
  }
}

export interface TestAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any;
  headers: Headers;
}

export interface Tenant {
  orgId: string;
  userId: string;
  email: string;
  token: string;
}

/** A platform without a socket: requests go straight into its API. */
export class TestPlatform {
  readonly core: Core;
  readonly prober: FakeProber;
  readonly api: Api;
  /** What its routes work with. */
  readonly services: ApiServices;
  readonly feed: EventFeed;
  readonly probes: Probes;
  readonly alerts: AlertDeliveries;
  /** Makes a round when a test says so. */
  readonly watch: HealthWatch;
  readonly #clock: { time: Date };

  private constructor(core: Core, prober: FakeProber, clock: { time: Date }) {
    this.core = core;
    this.prober = prober;
    this.#clock = clock;
    this.feed = new EventFeed(core);
    const healthWrites = new HealthWrites(core.store, core.now, WRITE_EVERY_MS);
    this.probes = new Probes(core, prober, healthWrites);
    this.alerts = new AlertDeliveries(core);
    this.watch = new HealthWatch(core, this.probes, [() => evaluateAlerts(core), () => this.alerts.round()]);
    this.services = {
      core,
      feed: this.feed,
      probes: this.probes,
      healthWrites,
      alerts: this.alerts,
      loads: new LoadReports(core),
      limiter: new FailureLimiter(core.now),
      rate: new RequestRate(),
      isDraining: () => false,
      onBootstrapped: async () => {},
    };
    this.api = createApi(this.services);
  }

  get time(): Date {
    return this.#clock.time;
  }

  /** The platform's clock stands still but for this. */
  pass(milliseconds: number): void {
    this.#clock.time = new Date(this.#clock.time.getTime() + milliseconds);
  }

  static async open(host: DatabaseHost, database: Database): Promise<TestPlatform> {
    return await TestPlatform.reopen(await host.prepared(database));
  }

  /** On a database that may be in use already: a second replica, or a restart. */
  static async reopen(
    where: DatabasePlace,
    more: {
      onLoopback?: boolean;
      publicUrl?: string;
      relayAuthSecret?: string | null;
      stsEndpoint?: string;
      log?: Logger;
    } = {},
  ): Promise<TestPlatform> {
    const clock = { time: new Date() };
    const core = await openCore({
      ...where,
      passwordCost: CHEAP_PASSWORDS,
      relayAuthSecret: more.relayAuthSecret === null ? undefined : (more.relayAuthSecret ?? RELAY_SECRET),
      onLoopback: more.onLoopback ?? false,
      ...(more.stsEndpoint !== undefined && { stsEndpoint: more.stsEndpoint }),
      publicUrl: () => more.publicUrl ?? `http://${formatHostPort("127.0.0.1", 8080)}`,
      log: more.log ?? silentLogger,
      now: () => clock.time,
    });
    return new TestPlatform(core, new FakeProber(), clock);
  }

  /** An organisation with one person, who has an API token but no password (hashing one takes long). */
  async tenant(name: string, instanceAdmin = false): Promise<Tenant> {
    const { store, keyring } = this.core;
    const [orgId, userId, now] = [crypto.randomUUID(), crypto.randomUUID(), this.time.toISOString()];
    const email = `${name}@example.com`;
    const token = mintOpaqueToken("spt_");
    const sealedKey = keyring.newOrganisationKey(orgId);
    await store.transaction(async (sql) => {
      await insertOrganisation(sql, { id: orgId, name, sealedKey, now });
      await insertUser(sql, { id: userId, email, passwordHash: null, instanceAdmin, now });
      await insertMembership(sql, { userId, orgId, role: "admin", now });
      const row = { id: crypto.randomUUID(), userId, orgId, name: "test", now, expiresAt: null };
      await insertApiToken(sql, { ...row, tokenHash: token.hash });
    });
    return { orgId, userId, email, token: token.plain };
  }

  /** A person of an organisation who is no administrator. */
  async member(tenant: Tenant, name: string): Promise<Tenant> {
    const [userId, now] = [crypto.randomUUID(), this.time.toISOString()];
    const email = `${name}@example.com`;
    const token = mintOpaqueToken("spt_");
    const { orgId } = tenant;
    await this.core.store.transaction(async (sql) => {
      await insertUser(sql, { id: userId, email, passwordHash: null, instanceAdmin: false, now });
      await insertMembership(sql, { userId, orgId, role: "member", now });
      const row = { id: crypto.randomUUID(), userId, orgId, name: "test", now, expiresAt: null };
      await insertApiToken(sql, { ...row, tokenHash: token.hash });
    });
    return { orgId, userId, email, token: token.plain };
  }

  /** The same person in another organisation, as its administrator. */
  async join(tenant: Tenant, person: Tenant): Promise<Tenant> {
    const now = this.time.toISOString();
    const token = mintOpaqueToken("spt_");
    const { userId, email } = person;
    const { orgId } = tenant;
    await this.core.store.transaction(async (sql) => {
      await insertMembership(sql, { userId, orgId, role: "admin", now });
      const row = { id: crypto.randomUUID(), userId, orgId, name: "test", now, expiresAt: null };
      await insertApiToken(sql, { ...row, tokenHash: token.hash });
    });
    return { orgId, userId, email, token: token.plain };
  }

  async call(
    method: string,
    path: string,
    options: { token?: string | undefined; body?: unknown; address?: string } = {},
  ): Promise<TestAnswer> {
    const headers = new Headers();
    if (options.token !== undefined) headers.set("authorization", `Bearer ${options.token}`);
    if (options.body !== undefined) headers.set("content-type", "application/json");
    const request = new Request(`http://platform.test/api${path}`, {
      method,
      headers,
      ...(options.body !== undefined && {
        body: typeof options.body === "string" ? options.body : JSON.stringify(options.body),
      }),
    });
    const response = await this.api.fetch(request, options.address ?? "192.0.2.1");
    const text = await response.text();
    return {
      status: response.status,
      body: text === "" ? undefined : JSON.parse(text),
      headers: response.headers,
    };
  }

  /** A gateway that has logged in: its id, its access token and the enrollment token that is spent. */
  async gateway(tenant: Tenant, name: string): Promise<{ id: string; token: string; spent: string }> {
    const { id } = (await this.call("POST", "/v3/gateways", { token: tenant.token, body: { name } })).body;
    const path = `/v3/gateways/${id}/token-auth/generate-enrollment-token`;
    const spent = (await this.call("POST", path, { token: tenant.token })).body.token;
    const login = await this.call("POST", "/v3/gateways/login", { body: { method: "token", token: spent } });
    return { id, token: login.body.accessToken, spent };
  }

  /** A relay of the organisation that has logged in. */
  async relay(
    tenant: Tenant,
    name: string,
    host = PUBLIC_HOST,
  ): Promise<{ id: string; token: string; spent: string }> {
    const { id } = (await this.call("POST", "/v2/relays", { token: tenant.token, body: { name, host } }))
      .body;
    const path = `/v2/relays/${id}/token-auth/generate-enrollment-token`;
    const spent = (await this.call("POST", path, { token: tenant.token })).body.token;
    const login = await this.call("POST", "/v2/relays/login", { body: { method: "token", token: spent } });
    return { id, token: login.body.accessToken, spent };
  }

  async close(): Promise<void> {
    this.feed.close();
    await this.core.tokenUses.close();
    await this.core.store.close();
  }
}

/** At its full cost one hash takes a good part of a second. */
const CHEAP_PASSWORDS = { memoryCost: 64, timeCost: 1 };

/** As the product coalesces, only sooner. */
const WRITE_EVERY_MS = 5;

/** Counts as a public address, and nobody answers there (RFC 5737). */
export const PUBLIC_HOST = "203.0.113.7";

export const RELAY_SECRET = "a secret of instance relays";

/** Answers probes as told, and keeps what it was asked with. */
export class FakeProber implements Prober {
  readonly gateways: Parameters<Prober["gateway"]>[0][] = [];
  readonly relays: Parameters<Prober["relay"]>[0][] = [];
  readonly sshPorts: Parameters<Prober["relaySsh"]>[0][] = [];
  onGateway: Prober["gateway"] = async () => ({ heartbeatTtlSeconds: 180 });
  onRelay: Prober["relay"] = async () => {};
  onRelaySsh: Prober["relaySsh"] = async () => {};

  gateway: Prober["gateway"] = async (credentials) => {
    this.gateways.push(credentials);
    return await this.onGateway(credentials);
  };

  relay: Prober["relay"] = async (credentials) => {
    this.relays.push(credentials);
    await this.onRelay(credentials);
  };

  relaySsh: Prober["relaySsh"] = async (target) => {
    this.sshPorts.push(target);
    await this.onRelaySsh(target);
  };
}

/** The names of an answer's fields, in the order of the alphabet. */
export function fieldsOf(body: object): string[] {
  return Object.keys(body).sort((a, b) => a.localeCompare(b));
}
