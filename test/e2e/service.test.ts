import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { BINARY } from "../support/processes.ts";
import { SystemdMachine, systemdUnavailable } from "../support/systemd-machine.ts";
import { Workspace } from "../support/workspace.ts";

const why = systemdUnavailable();
if (why) console.log(`No systemd can be booted here, so services are not tried on a real one: ${why}`);

const PLATFORM = "http://127.0.0.1:8080";

describe.if(why === undefined)("services on a real systemd", () => {
  let space: Workspace;
  let machine: SystemdMachine;

  beforeAll(async () => {
    space = await Workspace.open("service");
    machine = await SystemdMachine.boot(space, BINARY);
    await machine.must(`
      sallyport platform bootstrap --org Acme --email ada@acme.example --data-dir /srv/p --json > boot.json
      systemd-run --quiet --unit=platform -E HOME=/root sallyport platform start --listen 127.0.0.1:8080 --data-dir /srv/p --allow-private-hosts
      grep -o '"token": *"[^"]*"' boot.json | cut -d'"' -f4 > token
      for try in 1 2 3 4 5 6 7 8 9; do sallyport login --domain ${PLATFORM} --token-file token && break; sleep 0.3; done
      sallyport relay create edge --host 127.0.0.1
      sallyport gateway create office`);
  });
  afterAll(() => space.close());

  /** Root has run daemons by hand before, with a strict umask: a service's user must get through all the same. */
  const STRICT =
    "(umask 077; mkdir -p /run/sallyport/gateway /var/lib/sallyport/gateway /var/lib/sallyport/relay)";

  const tokenOf = (role: string, name: string) =>
    machine.must(`sallyport ${role} deploy-command ${name} | grep -o 'gwe_[^ ]*'`);
  const property = (service: string, name: string) =>
    machine.must(`systemctl show --value -p ${name} ${service}`);

  test("install enrols, starts and waits until it works, in Infisical's spelling too", async () => {
    await machine.must(STRICT);
    const relay = await machine.run(
      `sallyport relay systemd install edge --token=${await tokenOf("relay", "edge")} --domain=${PLATFORM}`,
    );
    expect(relay).toMatchObject({ exitCode: 0, stdout: "sallyport-relay-edge\n" });
    const gateway = await machine.run(
      `sallyport gateway install office --token=${await tokenOf("gateway", "office")} --domain=${PLATFORM} --allow localhost`,
    );
    expect(gateway).toMatchObject({ exitCode: 0, stdout: "sallyport-gateway-office\n" });
    expect(gateway.stderr).toContain("1 of 1 tunnels up: edge");
    expect(await property("sallyport-gateway-office", "ActiveState")).toBe("active");
    expect(await property("sallyport-gateway-office", "UnitFileState")).toBe("enabled");
    const answer = await machine.must(
      "printf 'GET /api/nothing HTTP/1.0\\r\\n\\r\\n' | sallyport connect --gateway office --target 127.0.0.1:8080",
    );
    expect(answer).toStartWith("HTTP/1.1 404");
    expect(await machine.must("sallyport gateway status office")).toContain("edge");
    await machine.must("test -s /var/lib/sallyport/gateway/office/credentials.json");
  });

  test("O5 the daemon has no rights, and no secret in its arguments, environment or unit", async () => {
    for (const service of ["sallyport-gateway-office", "sallyport-relay-edge"]) {
      const pid = await property(service, "MainPID");
      const status = await machine.must(`cat /proc/${pid}/status`);
      expect(Number(/^Uid:\t(\d+)/m.exec(status)?.[1])).toBeGreaterThan(60_000);
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      expect(status).toMatch(/^Seccomp:\t2$/m);
      expect(status).toMatch(/^CapEff:\t0+$/m);
      expect(status).toMatch(/^CapBnd:\t0+$/m);
      const open = await machine.must(
        `tr '\\0' '\\n' < /proc/${pid}/environ; tr '\\0' ' ' < /proc/${pid}/cmdline; systemctl cat ${service}; systemctl show ${service}; journalctl -u ${service} --no-pager`,
      );
      const conf = await machine.must(`cat /etc/infisical/*/${service.split("-").at(-1)}.conf`);
      const secrets = [...conf.matchAll(/_TOKEN="?([^"\n]+)/g)].map(([, secret]) => secret ?? "");
      expect(secrets.length).toBeGreaterThanOrEqual(2);
      for (const secret of secrets) expect(open).not.toContain(secret);
    }
  });

  test("again it changes nothing; a conf, a flag or a program that is new restarts it", async () => {
    const again = async (flags = "") =>
      (await machine.run(`sallyport gateway install office ${flags}`)).stderr.split("\n").at(-3) ?? "";
    const pid = await property("sallyport-gateway-office", "MainPID");
    expect(await again()).toContain("Nothing to change");
    expect(await property("sallyport-gateway-office", "MainPID")).toBe(pid);
    expect(await again("--deny 10.0.0.0/8")).toContain("Updated and restarted");
    expect(await again("--log-level debug")).toContain("Updated and restarted");
    await machine.must("echo '# a line' >> /etc/infisical/gateways/office.conf");
    expect(await again("--log-level debug")).toContain("Updated and restarted");
    await machine.must(
      "cp /usr/local/bin/sallyport /usr/local/bin/new && mv /usr/local/bin/new /usr/local/bin/sallyport",
    );
    expect(await again("--log-level debug")).toContain("Updated and restarted");
    expect(await again("--log-level debug")).toContain("Nothing to change");
  });

  test("a daemon that hangs is noticed by the watchdog, leaves no core, and is started again", async () => {
    const service = "sallyport-relay-edge";
    const drop = `/etc/systemd/system/${service}.service.d`;
    await machine.must(
      `mkdir ${drop}; printf '[Service]\\nWatchdogSec=1s\\nRestartSec=100ms\\n' > ${drop}/t.conf; systemctl daemon-reload; systemctl restart ${service}`,
    );
    const pid = await property(service, "MainPID");
    await machine.must(`kill -STOP ${pid}; while [ -d /proc/${pid} ]; do sleep 0.1; done`);
    expect(await machine.must(`journalctl -u ${service} --no-pager`)).toMatch(/Watchdog timeout/);
    await machine.must(
      `until systemctl is-active --quiet ${service}; do sleep 0.1; done; rm -r ${drop}; systemctl daemon-reload`,
    );
    expect(Number(await property(service, "NRestarts"))).toBeGreaterThanOrEqual(1);
  });

  test("a daemon that can't start is removed again, the reason told, the conf kept", async () => {
    await machine.must("sallyport relay uninstall edge");
    const { exitCode, stderr } = await machine.run(
      "sallyport relay install edge --ssh-port 9443 --tls-port 9443",
    );
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/9443.*The unit is removed again; the conf .*edge.conf stays.*\[SERVICE_FAILED\]/);
    expect(
      await machine.must("ls /etc/systemd/system/sallyport-relay-* 2>/dev/null; ls /etc/infisical/relays"),
    ).toBe("edge.conf");
  });

  test("a relay may have a low port, and nothing else for it", async () => {
    await machine.must(
      "sed -i /_PORT=/d /etc/infisical/relays/edge.conf; sallyport relay install edge --tls-port 443",
    );
    const pid = await property("sallyport-relay-edge", "MainPID");
    expect(await machine.must(`grep CapEff /proc/${pid}/status`)).toBe("CapEff:\t0000000000000400");
  });

  test("Infisical's single conf is copied, its service stopped and disabled once the new one runs", async () => {
    await machine.must("sallyport gateway create legacy; sallyport relay install edge --tls-port 8443");
    await machine.must(`
      sallyport gateway enroll legacy --token=${await tokenOf("gateway", "legacy")} --domain=${PLATFORM}
      mv /etc/infisical/gateways/legacy.conf /etc/infisical/gateway.conf
      printf '[Service]\\nEnvironmentFile=/etc/infisical/gateway.conf\\nExecStart=/usr/local/bin/sallyport gateway start legacy\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/infisical-gateway.service
      systemctl daemon-reload
      systemctl enable --now infisical-gateway
      until journalctl -u infisical-gateway | grep -q 'Gateway started successfully'; do sleep 0.1; done`);
    const { exitCode, stderr } = await machine.run("sallyport gateway install legacy");
    expect(exitCode).toBe(0);
    expect(stderr).toContain("infisical-gateway.service is stopped and disabled");
    expect(await property("sallyport-gateway-legacy", "ActiveState")).toBe("active");
    expect(await property("infisical-gateway", "ActiveState")).toBe("inactive");
    expect(await property("infisical-gateway", "UnitFileState")).toBe("disabled");
    await machine.must("test -f /etc/infisical/gateway.conf && test -f /etc/infisical/gateways/legacy.conf");
  });

  test("uninstall stops and removes it; only --purge deletes conf and state", async () => {
    const kept = await machine.run("sallyport gateway systemd uninstall office");
    expect(kept.exitCode).toBe(0);
    expect(await machine.must("ls /etc/infisical/gateways /var/lib/private/sallyport/gateway")).toContain(
      "office",
    );
    expect((await machine.run("systemctl status sallyport-gateway-office")).exitCode).toBe(4);
    await machine.must("sallyport gateway uninstall office --purge");
    expect(
      await machine.must(
        "ls -A /etc/infisical/gateways /var/lib/private/sallyport/gateway /var/lib/sallyport/gateway",
      ),
    ).not.toContain("office");
  });
});
