import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { BINARY, REPOSITORY } from "../support/processes.ts";
import { SystemdMachine, systemdUnavailable } from "../support/systemd-machine.ts";
import { Workspace } from "../support/workspace.ts";

const why = systemdUnavailable();
if (why) console.log(`No machine of its own can be made here, so the operators' screen is not tried: ${why}`);

const URL = "http://127.0.0.1:8080";

const readme = await Bun.file(join(REPOSITORY, "README.md")).text();
const screen = /^## For operators[\s\S]*?^```sh\n([\s\S]*?)^```$/m.exec(readme)?.[1] ?? "";
/** Without the comments behind them; the first word of the comment above says which step it is. */
const steps = screen.split("\n\n").map((block) => {
  const [heading = "", ...lines] = block.trim().split("\n");
  return { name: /\w+/.exec(heading)?.[0] ?? "", lines: lines.map((line) => line.replace(/ +#.*$/, "")) };
});

/** The screen of the README, line by line as it is printed, as root on a machine with a systemd. */
describe.if(why === undefined)("the README's screen for operators", () => {
  let space: Workspace;
  let machine: SystemdMachine;

  beforeAll(async () => {
    space = await Workspace.open("operators");
    machine = await SystemdMachine.boot(space, BINARY);
    await machine.must(`
      cp /usr/local/bin/sallyport .
      sallyport platform bootstrap --org Acme --email ada@acme.example --data-dir /srv/p --json > boot.json
      systemd-run --quiet --unit=platform -E HOME=/root sallyport platform start --listen 127.0.0.1:8080 --data-dir /srv/p --allow-private-hosts
      grep -o '"token": *"[^"]*"' boot.json | cut -d'"' -f4 > token
      for try in 1 2 3 4 5 6 7 8 9; do sallyport login --domain ${URL} --token-file token && break; sleep 0.3; done
      sallyport relay create edge --host 127.0.0.1
      sallyport relay deploy-command edge | grep -o 'gwe_[^ ]*' | sallyport relay install edge --token-file - --domain ${URL}
      sallyport gateway create office | grep -o 'gwe_[^ ]*' > office-token`);
  }, 120_000);
  afterAll(() => space.close());

  test("has its five steps", () => {
    expect(steps.map(({ name }) => name)).toEqual(["install", "look", "fix", "upgrade", "remove"]);
    expect(screen.split("\n").length).toBeLessThan(32);
  });

  test.each(steps.map(({ name, lines }) => [name, lines] as const))(
    "%s: every line does what it says",
    async (_, lines) => {
      for (const line of lines) {
        const words = line.replace("https://sallyport.acme.example", URL);
        const input = words.includes("--token-file -") ? "office-token" : "/dev/null";
        const { exitCode, stdout, stderr } = await machine.run(`sudo() { "$@"; }; ${words} < ${input}`);
        expect({ line, exitCode, said: exitCode === 0 ? "" : stdout + stderr }).toEqual({
          line,
          exitCode: 0,
          said: "",
        });
        expect(stderr).not.toContain("gwe_");
      }
    },
    120_000,
  );

  test("nothing of it is left", async () => {
    expect((await machine.run("systemctl cat sallyport-gateway-office")).exitCode).not.toBe(0);
    expect(await machine.must("sallyport gateway list")).not.toContain("office");
    expect(
      await machine.must("ls /etc/infisical/gateways /var/lib/sallyport/gateway 2>/dev/null || true"),
    ).not.toContain("office");
  });
});
