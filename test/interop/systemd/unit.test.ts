import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Service } from "../../../src/host/service/service.ts";
import { systemdUnit } from "../../../src/host/service/systemd-unit.ts";
import { runProcess } from "../../support/processes.ts";
import { Workspace } from "../../support/workspace.ts";

/** systemd's own scale: 0 is a service that can do nothing, 10 one that can do everything. */
const MOST_EXPOSURE = 1.7;

let space: Workspace;
let version: number;

beforeAll(async () => {
  space = await Workspace.open("systemd");
  const { stdout } = await runProcess(["systemd-analyze", "--version"]);
  version = Number(/^systemd (\d+)/.exec(stdout)?.[1]);
});
afterAll(() => space.close());

const services: Service[] = [
  {
    role: "gateway",
    name: "edge",
    executable: "/bin/true",
    args: ["gateway", "start", "edge"],
    confPath: "/etc/infisical/gateways/edge.conf",
    secretFiles: [{ id: "SALLYPORT_GATEWAY_ACCESS_TOKEN", path: "/etc/secrets/a b%c" }],
    caFile: "/etc/ca 100%.pem",
    environment: { NO_PROXY: 'a, "b" $c %d', HTTPS_PROXY: "http://proxy:3128" },
    lowPorts: false,
    drainSeconds: 30,
  },
  {
    role: "relay",
    name: "a".repeat(32),
    executable: "/bin/true",
    args: ["relay", "start", "edge", "--exempt=::/0", "--metrics=[::1]:9090", "--x='\"\\ $HOME %n;"],
    confPath: "/etc/infisical/relays/edge.conf",
    secretFiles: [],
    caFile: undefined,
    environment: {},
    lowPorts: true,
    drainSeconds: 12.5,
  },
];

async function written(service: Service): Promise<string> {
  const unit = `sallyport-${service.role}-${service.name}.service`;
  return space.file(unit, systemdUnit(service, version), 0o644);
}

describe("systemd's own opinion of a unit", () => {
  test.each(services)("it knows every line of a $role's", async (service) => {
    const path = await written(service);
    const { exitCode, stdout, stderr } = await runProcess(["systemd-analyze", "verify", "--man=no", path]);
    expect({ exitCode, said: stdout + stderr }).toEqual({ exitCode: 0, said: "" });
  });

  test.each(services)("a $role is hardly exposed", async (service) => {
    const path = await written(service);
    const limit = `--threshold=${MOST_EXPOSURE * 10}`;
    const { exitCode, stdout } = await runProcess([
      "systemd-analyze",
      "security",
      "--offline=true",
      limit,
      path,
    ]);
    const verdict = /Overall exposure level.*: ([\d.]+)/.exec(stdout);
    console.log(`${service.role}: ${verdict?.[0]}`);
    expect(Number(verdict?.[1])).toBeLessThanOrEqual(MOST_EXPOSURE);
    expect(exitCode).toBe(0);
  });
});
