import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import { z } from "zod";
import { StandInKubernetes } from "../support/kubernetes-api.ts";
import { DATABASES, type Database } from "../support/platform.ts";
import { freePort } from "../support/ports.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";
import type { RunningProcess } from "../support/processes.ts";
import { ROLE_KEY, StandInSts } from "../support/sts.ts";
import { Terminal } from "../support/terminal.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(120_000);

const BUILD = "binary";
const PASSWORD = "correct horse battery staple";
const PERSON = "ann@example.com";

const ID = z.object({ id: z.string() });
const STARTED = z.object({ url: z.string() });
const BOOTSTRAPPED = z.object({ password: z.string() });
const LINK = z.object({ link: z.string() });
const DEPLOYED = z.object({ id: z.string(), command: z.string(), token: z.string().optional() });
const SECRET = z.object({ clientId: z.string(), clientSecret: z.string() });
const LISTENING = z.object({ port: z.number() });
const NAMED = z.array(z.object({ name: z.string() }));
const CONNECTIONS = z.object({
  connections: z.array(
    z.object({ actor: z.object({ name: z.string().nullable() }), resourceName: z.string().nullable() }),
  ),
});

/** Whatever a gateway logs in by: what its owner says at the platform, and what its machine then has. */
interface Way {
  method: string;
  flags: string[];
  env: Record<string, string>;
}

/** One platform with a relay of its own token; people, machines and gateways come to it by the product's commands. */
interface Scene {
  url: string;
  admin: Terminal;
  person: Terminal;
  machine: Terminal;
  ways: Record<string, Way>;
  /** Private targets. */
  postgres: Postgres;
  echo: number;
}

async function build(workspace: Workspace, database: Database): Promise<Scene> {
  const postgres = workspace.own(await startPostgres());
  const sts = workspace.own(new StandInSts());
  const cluster = await StandInKubernetes.open(workspace);
  const data = [
    ...["--data-dir", workspace.join("platform-data")],
    ...(database === "postgres" ? ["--database-url", await postgres.createDatabase("sallyport")] : []),
  ];
  const server = await Terminal.open(workspace, "platform", {
    build: BUILD,
    env: {
      SALLYPORT_ROOT_KEY: Buffer.alloc(32, 7).toString("base64"),
      SALLYPORT_AWS_STS_ENDPOINT: sts.url,
    },
  });
  const admin = await Terminal.open(workspace, "admin", { build: BUILD });
  const person = await Terminal.open(workspace, "person", { build: BUILD });

  // Bootstrap, and an organisation besides the first one.
  const first = ["platform", "bootstrap", ...data, "--org", "First", "--email", "admin@example.com"];
  const { password } = await server.ask(BOOTSTRAPPED, first);
  const start = ["platform", "start", "--listen", "127.0.0.1:0", ...data, "--log-format", "json"];
  const { url } = STARTED.parse(JSON.parse(await server.start(start).waitForLog('"url"')));
  const login = ["login", "--domain", url, "--email", "admin@example.com", "--password-file", "-"];
  await admin.type(login, { input: password });
  await admin.ask(ID, ["org", "create", "Office"]);
  await admin.ask(z.object({ name: z.literal("Office") }), ["org", "switch", "Office"]);

  // A person, by a link.
  const { link } = await admin.ask(LINK, ["user", "invite", PERSON]);
  const accept = ["login", "--invitation", link, "--name", "Ann", "--password-file", "-"];
  await person.type(accept, { input: PASSWORD });

  // A relay, by its own token.
  const relay = await Terminal.open(workspace, "relay", { build: BUILD });
  const made = await admin.ask(DEPLOYED, ["relay", "create", "edge", "--host", "127.0.0.1"]);
  const ports = ["--listen", "127.0.0.1", "--ssh-port", String(freePort()), "--tls-port", String(freePort())];
  const enroll = ["relay", "enroll", "edge", "--token-file", "-", "--domain", url, ...ports];
  await relay.type(enroll, { input: made.token ?? "" });
  await relay.start(["relay", "start", "edge"]).waitForLog("Relay server started successfully");

  // A machine identity.
  await admin.ask(ID, ["identity", "create", "robot", "--role", "member"]);
  const secret = await admin.ask(SECRET, ["identity", "secret", "create", "robot"]);
  const machine = await Terminal.open(workspace, "machine", {
    build: BUILD,
    env: {
      SALLYPORT_DOMAIN: url,
      SALLYPORT_UNIVERSAL_AUTH_CLIENT_ID: secret.clientId,
      SALLYPORT_UNIVERSAL_AUTH_CLIENT_SECRET: secret.clientSecret,
    },
  });

  const ca = await workspace.file("cluster.pem", cluster.authority);
  const pod = await workspace.file("pod-token", cluster.issue("office", "gateway", { mayReview: true }));
  const ways = {
    token: { method: "token", flags: [], env: {} },
    aws: {
      method: "aws",
      flags: ["--allow-arn", "arn:aws:iam::123456789012:role/gateway-office"],
      env: {
        AWS_EC2_METADATA_DISABLED: "true",
        AWS_REGION: "eu-west-1",
        AWS_ACCESS_KEY_ID: ROLE_KEY.accessKeyId,
        AWS_SECRET_ACCESS_KEY: ROLE_KEY.secretAccessKey,
        AWS_SESSION_TOKEN: ROLE_KEY.sessionToken ?? "",
      },
    },
    kubernetes: {
      method: "kubernetes",
      flags: ["--kubernetes-host", cluster.url, "--kubernetes-ca-file", ca, "--allow-namespace", "office"],
      env: { SALLYPORT_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH: pod },
    },
  };
  return { url, admin, person, machine, ways, postgres, echo: await startEcho(workspace) };
}

async function startEcho(workspace: Workspace): Promise<number> {
  const server = createServer((socket) => socket.pipe(socket).on("error", () => socket.destroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  workspace.defer(() => server.close());
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

/** A local connection that has carried a byte both ways; tries until one does. */
async function carriesByte(workspace: Workspace, port: number): Promise<Socket> {
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    const { promise, resolve } = Promise.withResolvers<boolean>();
    socket.once("data", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    socket.write("x");
    workspace.defer(() => socket.destroy());
    if (await promise) return socket;
    await Bun.sleep(50);
  }
}

function closed(socket: Socket): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  if (socket.destroyed) resolve(performance.now());
  else socket.once("close", () => resolve(performance.now()));
  return promise;
}

describe.each(DATABASES)("the whole life on %s", (database) => {
  let workspace: Workspace;
  let scene: Scene;

  beforeAll(async () => {
    workspace = await Workspace.open(`life-${database}`);
    scene = await build(workspace, database);
  });
  afterAll(() => workspace.close());

  test.each(["token", "aws", "kubernetes"])("of a gateway that logs in by %s", async (method) => {
    const { url, admin, person, machine, postgres } = scene;
    const way = scene.ways[method];
    if (!way) throw new Error(`no way ${method}`);
    const name = `office-${method}`;
    const [database, echo] = [`db-${method}`, `echo-${method}`];
    const site = await Terminal.open(workspace, name, { build: BUILD, env: way.env });
    const enroll = async ({ id, token }: z.infer<typeof DEPLOYED>) => {
      const login =
        token === undefined ? [`--enroll-method=${method}`, `--gateway-id=${id}`] : ["--token-file", "-"];
      const words = ["gateway", "enroll", name, ...login, "--domain", url, "--allow", "localhost"];
      await site.type(words, token === undefined ? {} : { input: token });
    };
    const isHealthy = () => admin.type(["gateway", "show", name, "--wait", "--timeout", "40s"]);

    // The gateway.
    await enroll(
      await admin.ask(DEPLOYED, ["gateway", "create", name, "--auth-method", method, ...way.flags]),
    );
    let agent: RunningProcess = site.start(["gateway", "start", name]);
    await isHealthy();

    // What is behind it: for nobody, until it is granted.
    const behind = ["--gateway", name, "--kind"];
    const target = (port: number) => ["--target", `127.0.0.1:${port}`];
    await admin.ask(ID, ["resource", "create", database, ...behind, "postgres", ...target(postgres.port)]);
    await admin.ask(ID, ["resource", "create", echo, ...behind, "tcp", ...target(scene.echo)]);
    for (const who of [person, machine]) {
      const refused = await who.type(["connect", database, "--json"], { exitCode: 3 });
      expect(refused.stderr).toContain("[FORBIDDEN]");
    }
    for (const resource of [database, echo]) {
      await admin.ask(ID, ["resource", "grant", resource, PERSON]);
      await admin.ask(ID, ["resource", "grant", resource, "--identity", "robot"]);
    }

    // As each of the two: a query, and a connection that stays.
    const six = async (port: number) => {
      const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
      return await postgres.client("psql", ["-qAt", "-c", "SELECT 2 * 3", url]);
    };
    const ports: { database: number; echo: number }[] = [];
    for (const who of [person, machine]) {
      const forward = async (resource: string) =>
        LISTENING.parse(await who.start(["connect", resource, "--json"]).waitForJson(20_000)).port;
      ports.push({ database: await forward(database), echo: await forward(echo) });
    }
    const held: Socket[] = [];
    for (const port of ports) {
      expect(await six(port.database)).toBe("6\n");
      held.push(await carriesByte(workspace, port.echo));
    }

    // Revoked.
    const cuts = held.map(closed);
    const asked = performance.now();
    await admin.type(["gateway", "revoke", name]);
    const told = performance.now();
    for (const [i, cut] of (await Promise.all(cuts)).entries()) {
      const [sinceAsked, sinceTold] = [cut - asked, cut - told].map(Math.round);
      console.log(
        `${database}: ${i === 0 ? "the person" : "the machine"} was cut ${sinceAsked} ms after the command began, ${sinceTold} ms after it ended`,
      );
      expect(cut - asked).toBeLessThan(20_000);
    }

    // Enrolled again: the same ports of the same people work again.
    await agent.close();
    await enroll(await admin.ask(DEPLOYED, ["gateway", "deploy-command", name]));
    agent = site.start(["gateway", "start", name]);
    await isHealthy();
    for (const port of ports) {
      await carriesByte(workspace, port.echo);
      expect(await six(port.database)).toBe("6\n");
    }
    // Gateways report every few seconds.
    const users = new Set<string | null>();
    while (users.size < 2) {
      const { connections } = await admin.ask(CONNECTIONS, ["audit", "connections", "--gateway", name]);
      for (const { actor, resourceName } of connections) if (resourceName === database) users.add(actor.name);
    }
    expect(users).toEqual(new Set([PERSON, "robot"]));

    // Deleted.
    const refused = await admin.type(["gateway", "delete", name], { exitCode: 1 });
    expect(refused.stderr).toContain("attached to active resources");
    for (const resource of [database, echo]) await admin.type(["resource", "delete", resource]);
    await admin.type(["gateway", "delete", name]);
    expect((await admin.ask(NAMED, ["gateway", "list"])).map((row) => row.name)).not.toContain(name);
    await person.type(["connect", echo, "--json"], { exitCode: 1 });
    await agent.close();
  });

  test("of a relay ends when nothing needs it any more", async () => {
    const { admin } = scene;
    await admin.type(["relay", "delete", "edge"]);
    expect(await admin.ask(NAMED, ["relay", "list"])).toEqual([]);
    expect(await admin.ask(NAMED, ["resource", "list"])).toEqual([]);
  });
});
