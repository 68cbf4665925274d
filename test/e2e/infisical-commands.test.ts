import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { z } from "zod";
import { BINARY } from "../support/processes.ts";
import { SystemdMachine, systemdUnavailable } from "../support/systemd-machine.ts";
import { Workspace } from "../support/workspace.ts";

const why = systemdUnavailable();
if (why) console.log(`No machine of its own can be made here, so documented commands are not tried: ${why}`);

const URL = "http://127.0.0.1:8080";
const SECRET = "the-secret-of-instance-relays";

const created = z.object({ id: z.string() });
const gatewayList = z.array(
  z.object({ name: z.string(), health: z.object({ status: z.string() }).optional() }),
);
const relayList = z.array(z.object({ name: z.string(), heartbeat: z.string().nullish() }));
const secret = z.object({ clientId: z.string(), clientSecret: z.string() });

/**
 * The command lines, environment variables and conf files of PROTOCOL 0.3 and 0.4, word for word, as root on a machine
 * where `infisical` is our program: default ports, default paths, and a systemd.
 */
describe.if(why === undefined)("Infisical's documented commands run unchanged", () => {
  let space: Workspace;
  let machine: SystemdMachine;

  beforeAll(async () => {
    space = await Workspace.open("documented");
    machine = await SystemdMachine.boot(space, BINARY);
    await machine.must(`
      ln -s sallyport /usr/local/bin/infisical
      sallyport platform bootstrap --org Acme --email ada@acme.example --data-dir /srv/p --json > boot.json
      systemd-run --quiet --unit=platform -E HOME=/root -E SALLYPORT_RELAY_AUTH_SECRET=${SECRET} sallyport platform start --listen 127.0.0.1:8080 --data-dir /srv/p --allow-private-hosts
      grep -o '"token": *"[^"]*"' boot.json | cut -d'"' -f4 > token
      for try in 1 2 3 4 5 6 7 8 9; do sallyport login --domain ${URL} --token-file token && break; sleep 0.3; done
      sallyport relay create edge --host 127.0.0.1`);
  });
  afterAll(() => space.close());

  const create = async (role: "gateway" | "relay", name: string) => {
    const host = role === "relay" ? " --host 127.0.0.1" : "";
    return created.parse(JSON.parse(await machine.must(`sallyport ${role} create ${name}${host} --json`))).id;
  };
  const tokenOf = (role: "gateway" | "relay", name: string) =>
    machine.must(`sallyport ${role} deploy-command ${name} | grep -o 'gwe_[^ ]*'`);
  /** A new gateway and its enrollment token. */
  const gatewayToken = async (name: string) => {
    await create("gateway", name);
    return await tokenOf("gateway", name);
  };
  /** Runs these very words in the background, without the profile of the person who is logged in. */
  const start = (unit: string, words: string, env: Record<string, string> = {}) => {
    const variables = Object.entries({ HOME: `/root/${unit}`, ...env }).map(
      ([key, value]) => `-E ${key}=${value}`,
    );
    return machine.must(`systemd-run --quiet --unit=${unit} ${variables.join(" ")} ${words}`);
  };
  const stop = (unit: string) => machine.must(`systemctl stop ${unit}`);
  const logged = async (unit: string, ...lines: string[]) => {
    for (const line of lines) {
      await machine.must(
        `for try in $(seq 300); do journalctl -u ${unit} --no-pager | grep -qF '${line}' && exit 0; sleep 0.1; done; journalctl -u ${unit} --no-pager >&2; exit 1`,
      );
    }
  };
  /** A probe by the platform, through the relay and both TLS sessions. */
  const isHealthy = async (name: string) => {
    await machine.must(
      `for try in $(seq 100); do sallyport gateway list --json > list.json; tr -d ' \\n' < list.json | grep -q '"name":"${name}"' && break; sleep 0.1; done`,
    );
    const all = gatewayList.parse(JSON.parse(await machine.must("sallyport gateway list --json")));
    return all.find((gateway) => gateway.name === name)?.health?.status;
  };
  const answers = (gateway: string) =>
    machine.must(
      `printf 'GET /api/nothing HTTP/1.0\\r\\n\\r\\n' | sallyport connect --gateway ${gateway} --target 127.0.0.1:8080`,
    );
  const CONNECTED = [
    "Successfully registered gateway and received certificates",
    "Relay connection established for gateway",
    "Gateway started successfully",
  ];
  /** Ours denies the machine's own addresses unless told otherwise. */
  const ALLOW = { SALLYPORT_ALLOW: "localhost" };

  test("relay start --name --enroll-method=token --token --domain", async () => {
    const token = await tokenOf("relay", "edge");
    await start(
      "edge",
      `infisical relay start --name=edge --enroll-method=token --token=${token} --domain=${URL}`,
    );
    await logged("edge", "Relay server started successfully", "Relay is reachable by Infisical");
    const relays = relayList.parse(JSON.parse(await machine.must("sallyport relay list --json")));
    expect(relays).toMatchObject([{ name: "edge", heartbeat: expect.any(String) }]);
  });

  test("gateway start <name> --enroll-method=token --token --relay --domain", async () => {
    const token = await gatewayToken("office");
    const words = `infisical gateway start office --enroll-method=token --token=${token} --relay=edge --domain=${URL}`;
    await start("office", words, ALLOW);
    await logged("office", ...CONNECTED, "Gateway is reachable by Infisical");
    expect(await isHealthy("office")).toBe("healthy");
    expect(await answers("office")).toStartWith("HTTP/1.1 404");
    await stop("office");
    // The same words again: the token is spent, and what it gave is kept.
    await machine.must("systemctl reset-failed office 2>/dev/null || true");
    await start("office-again", words, { ...ALLOW, HOME: "/root/office" });
    await logged("office-again", ...CONNECTED);
    await stop("office-again");
  });

  test.each([
    ["without a relay, which is then chosen", ""],
    ["with --target-relay-name", " --target-relay-name=edge"],
    ["with the oldest --proxy-name", " --proxy-name=edge"],
  ])("gateway start %s", async (_what, relay) => {
    const name = `choice${relay.length}`;
    const token = await gatewayToken(name);
    await start(
      name,
      `infisical gateway start ${name} --enroll-method=token --token=${token}${relay} --domain=${URL}`,
      ALLOW,
    );
    await logged(name, ...CONNECTED);
    expect(await answers(name)).toStartWith("HTTP/1.1 404");
    await stop(name);
  });

  test("gateway start with everything in the environment", async () => {
    const token = await gatewayToken("by-env");
    await start("by-env", "infisical gateway start", {
      INFISICAL_GATEWAY_NAME: "by-env",
      INFISICAL_GATEWAY_ENROLL_METHOD: "token",
      INFISICAL_GATEWAY_ENROLLMENT_TOKEN: token,
      INFISICAL_RELAY_NAME: "edge",
      INFISICAL_API_URL: `${URL}/api`,
      ...ALLOW,
    });
    await logged("by-env", ...CONNECTED);
    expect(await answers("by-env")).toStartWith("HTTP/1.1 404");
    await stop("by-env");
  });

  test.each([
    ["its own", "/etc/infisical/gateways/by-conf.conf"],
    ["the older single", "/etc/infisical/gateway.conf"],
  ])("gateway start <name> with %s conf file", async (_which, path) => {
    const name = path.includes("gateways") ? "by-conf" : "by-old-conf";
    const token = await gatewayToken(name);
    const conf = [
      `INFISICAL_GATEWAY_NAME=${name}`,
      "INFISICAL_GATEWAY_ENROLL_METHOD=token",
      `INFISICAL_GATEWAY_ENROLLMENT_TOKEN=${token}`,
      `INFISICAL_GATEWAY_DOMAIN=${URL}`,
      "INFISICAL_RELAY_NAME=edge",
    ];
    await machine.must(
      `mkdir -p -m 700 $(dirname ${path}); printf '%s\\n' ${conf.join(" ")} > ${path}; chmod 600 ${path}`,
    );
    await start(name, `infisical gateway start ${name}`, ALLOW);
    await logged(name, ...CONNECTED);
    expect(await answers(name)).toStartWith("HTTP/1.1 404");
    await stop(name);
  });

  describe("with a machine identity", () => {
    let client: z.infer<typeof secret>;
    beforeAll(async () => {
      await machine.must("sallyport identity create robot --role admin");
      client = secret.parse(JSON.parse(await machine.must("sallyport identity secret create robot --json")));
    });
    const login = () =>
      machine.must(
        `HOME=/root/nobody infisical login --method=universal-auth --client-id=${client.clientId} --client-secret=${client.clientSecret} --domain=${URL} --silent --plain`,
      );

    test("login --method=universal-auth --silent --plain prints the access token alone", async () => {
      const token = await login();
      expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
      const list = `HOME=/root/nobody SALLYPORT_TOKEN=${token} sallyport gateway list --domain ${URL} --json`;
      expect(JSON.parse(await machine.must(list))).toBeArray();
    });

    test("gateway start <name> --token=<access token> --relay --domain", async () => {
      await start(
        "robot",
        `infisical gateway start robot --token=${await login()} --relay=edge --domain=${URL}`,
        ALLOW,
      );
      await logged("robot", "shows a reusable secret", ...CONNECTED, "Gateway is reachable by Infisical");
      expect(await isHealthy("robot")).toBe("healthy");
      expect(await answers("robot")).toStartWith("HTTP/1.1 404");
      await stop("robot");
    });

    test("gateway start <name> --auth-method=universal-auth --client-id --client-secret", async () => {
      await start(
        "robot-2",
        `infisical gateway start robot --auth-method=universal-auth --client-id=${client.clientId} --client-secret=${client.clientSecret} --relay=edge --domain=${URL}`,
        ALLOW,
      );
      await logged("robot-2", ...CONNECTED);
      expect(await answers("robot")).toStartWith("HTTP/1.1 404");
      await stop("robot-2");
    });

    test("connect as a machine identity of the environment, to what it was granted", async () => {
      await machine.must(`sallyport identity create ci --role member
        sallyport resource create web --gateway office --target 127.0.0.1:8080 --kind tcp`);
      const made = await machine.must("sallyport identity secret create ci --json");
      const ci = secret.parse(JSON.parse(made));
      const connect = `printf 'GET /api/nothing HTTP/1.0\\r\\n\\r\\n' | HOME=/root/nobody INFISICAL_UNIVERSAL_AUTH_CLIENT_ID=${ci.clientId} INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET=${ci.clientSecret} sallyport connect web --domain ${URL}`;
      expect((await machine.run(connect)).stderr).toContain("no grant for web");
      await machine.must("sallyport resource grant web --identity ci --for 1h");
      await start("office-3", "infisical gateway start office", { ...ALLOW, HOME: "/root/office" });
      await logged("office-3", ...CONNECTED);
      expect(await machine.must(connect)).toStartWith("HTTP/1.1 404");
      await stop("office-3");
    });

    test("gateway systemd install with client id and secret; the doctor sees the whole path", async () => {
      const service = await machine.must(
        `infisical gateway systemd install robot --auth-method=universal-auth --client-id=${client.clientId} --client-secret=${client.clientSecret} --relay=edge --domain=${URL}`,
      );
      await logged(service, ...CONNECTED);
      expect(await machine.must(`systemctl show -p ExecStart ${service}`)).not.toContain(client.clientSecret);
      const looked = await machine.run("sallyport doctor --gateway robot --json");
      expect(looked).toMatchObject({ exitCode: 0, stdout: expect.not.stringContaining(client.clientSecret) });
      await machine.must("infisical gateway systemd uninstall robot --purge");
    });

    test("gateway start with INFISICAL_TOKEN, and with client id and secret, in the environment", async () => {
      const token = { INFISICAL_TOKEN: await login() };
      const credentials = {
        INFISICAL_UNIVERSAL_AUTH_CLIENT_ID: client.clientId,
        INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET: client.clientSecret,
      };
      for (const [unit, env] of Object.entries({ "robot-3": token, "robot-4": credentials })) {
        const all = { ...env, INFISICAL_DOMAIN: URL, ...ALLOW };
        await start(unit, "infisical gateway start robot --relay=edge", all);
        await logged(unit, ...CONNECTED);
        await stop(unit);
      }
    });
  });

  test("gateway start <name> --enroll-method=aws --gateway-id --domain is understood", async () => {
    const id = await create("gateway", "cloud");
    const signed = "AWS_ACCESS_KEY_ID=AKIAEXAMPLE AWS_SECRET_ACCESS_KEY=example AWS_REGION=eu-central-1";
    const { exitCode, stderr } = await machine.run(
      `${signed} infisical gateway start cloud --enroll-method=aws --gateway-id=${id} --domain=${URL}`,
    );
    // There is no AWS here to vouch for the key: the signed login has reached the platform, which refuses it.
    expect(exitCode).toBe(3);
    expect(stderr).toContain(`${URL} refuses`);
    const failed = await machine.must(
      "sallyport audit list --event RESOURCE_AUTH_METHOD_LOGIN_FAILED --json",
    );
    expect(failed).toContain(id);
  });

  test("gateway systemd install, systemctl start, gateway systemd uninstall", async () => {
    const token = await gatewayToken("service");
    const service = await machine.must(
      `infisical gateway systemd install service --enroll-method=token --token=${token} --relay=edge --domain=${URL}`,
    );
    await machine.must(`systemctl start ${service}`);
    await logged(service, ...CONNECTED);
    await machine.must("infisical gateway systemd uninstall service");
    expect((await machine.run(`systemctl is-active ${service}`)).stdout.trim()).not.toBe("active");
  });

  test("relay systemd install <name>, with the conf file of Infisical's service too", async () => {
    await stop("edge");
    const service = await machine.must(
      `infisical relay systemd install edge --enroll-method=token --token=${await tokenOf("relay", "edge")} --domain=${URL}`,
    );
    await machine.must(`systemctl start ${service}`);
    await logged(service, "Relay server started successfully");
    await machine.must("infisical relay systemd uninstall edge");
    await create("relay", "by-conf");
    const conf = [
      "INFISICAL_RELAY_NAME=by-conf",
      "INFISICAL_RELAY_ENROLL_METHOD=token",
      `INFISICAL_RELAY_ENROLLMENT_TOKEN=${await tokenOf("relay", "by-conf")}`,
      `INFISICAL_RELAY_DOMAIN=${URL}`,
    ];
    const path = "/etc/infisical/relays/by-conf.env.conf";
    await machine.must(`printf '%s\\n' ${conf.join(" ")} > ${path}; chmod 600 ${path}`);
    await start("relay-by-conf", "infisical relay start by-conf");
    await logged("relay-by-conf", "Relay server started successfully", "Relay is reachable by Infisical");
    await stop("relay-by-conf");
  });

  test("relay start --type=instance --name --host with INFISICAL_RELAY_AUTH_SECRET", async () => {
    await start("shared", "infisical relay start --type=instance --name=shared --host=127.0.0.1", {
      INFISICAL_RELAY_AUTH_SECRET: SECRET,
      INFISICAL_API_URL: URL,
    });
    await logged("shared", "Relay server started successfully", "Relay is reachable by Infisical");
    await stop("shared");
  });

  test("relay start --type=org --name --host --token=<access token>", async () => {
    await machine.must("sallyport identity create carrier --role admin");
    const made = await machine.must("sallyport identity secret create carrier --json");
    const { clientId, clientSecret } = secret.parse(JSON.parse(made));
    const token = await machine.must(
      `infisical login --method=universal-auth --client-id=${clientId} --client-secret=${clientSecret} --domain=${URL} --silent --plain`,
    );
    await start(
      "carrier",
      `infisical relay start --type=org --name=carrier --host=127.0.0.1 --token=${token} --domain=${URL}`,
    );
    await logged("carrier", "Relay server started successfully", "Relay is reachable by Infisical");
    await stop("carrier");
  });

  test.each([
    [
      "direct listening",
      "gateway start office --listen-address=10.0.0.5:8443",
      /--listen-address is not supported/,
    ],
    ["another identity login", "gateway start office --auth-method=gcp-iam", /"gcp-iam" is not supported/],
  ])("what is out of scope says so in one sentence and exits with 2: %s", async (_what, words, sentence) => {
    const { exitCode, stdout, stderr } = await machine.run(`infisical ${words} --domain=${URL}`);
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});
