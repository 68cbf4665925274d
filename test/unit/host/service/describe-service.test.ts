import { describe, expect, test } from "bun:test";
import { describeService } from "../../../../src/host/service/describe-service.ts";

function service(role: "gateway" | "relay", conf: Record<string, string>, env: Record<string, string> = {}) {
  const said: string[] = [];
  const described = describeService(
    { role, name: "edge", args: [], drainSeconds: 30 },
    { path: "/etc/infisical/edge.conf", values: new Map(Object.entries(conf)) },
    "/usr/local/bin/sallyport",
    { machine: { env, uid: 0, home: "/root" }, say: (line) => said.push(line) },
  );
  return { ...described, said };
}

describe("what a service manager is told", () => {
  test("secrets in files of their own are handed over, unless the conf itself has them", () => {
    expect(service("gateway", { INFISICAL_GATEWAY_ACCESS_TOKEN_FILE: "/s/token" }).secretFiles).toEqual([
      { id: "SALLYPORT_GATEWAY_ACCESS_TOKEN", path: "/s/token" },
    ]);
    const both = { SALLYPORT_RELAY_AUTH_SECRET_FILE: "/s/a", INFISICAL_RELAY_AUTH_SECRET: "x" };
    expect(service("relay", both).secretFiles).toEqual([]);
  });

  test("a relay on a low port needs the right to it, a gateway never", () => {
    expect(service("relay", { SALLYPORT_RELAY_TLS_PORT: "443" }).lowPorts).toBe(true);
    for (const port of ["0", "1024", "2222"]) {
      expect(service("relay", { SALLYPORT_RELAY_SSH_PORT: port }).lowPorts).toBe(false);
    }
    expect(service("gateway", { SALLYPORT_RELAY_TLS_PORT: "443" }).lowPorts).toBe(false);
  });

  test("O5 proxies go along, their passwords do not", () => {
    const env = {
      HTTPS_PROXY: "http://ada:secret@proxy:3128",
      no_proxy: "10.0.0.0/8",
      PATH: "/bin",
      TOKEN: "x",
    };
    const { environment, said } = service("gateway", {}, env);
    expect(environment).toEqual({ no_proxy: "10.0.0.0/8" });
    expect(said).toEqual([expect.stringContaining("HTTPS_PROXY holds a password")]);
    expect(said.join()).not.toContain("secret");
  });
});
