import { describe, expect, test } from "bun:test";
import { launchdPlist } from "../../../../src/host/service/launchd-plist.ts";

describe("launchd property list", () => {
  const text = launchdPlist(
    {
      role: "relay",
      name: "edge",
      executable: "/usr/local/bin/sallyport",
      args: ["relay", "start", "edge", "--limit=a<b>&\"c'"],
      confPath: "/etc/infisical/relays/edge.conf",
      secretFiles: [],
      caFile: "/etc/ca.pem",
      environment: { NO_PROXY: "a&b" },
      lowPorts: true,
      drainSeconds: 30,
    },
    "/Library/Logs/sallyport/x.log",
  );
  const value = (key: string) =>
    new RegExp(`<key>${key}</key>\\s*<(\\w+)(?:/>|>([^<]*)</)`).exec(text)?.slice(1);

  test("names the job after role and name, starts it at boot and keeps it running", () => {
    expect(value("Label")).toEqual(["string", "org.sallyport.relay.edge"]);
    expect(value("RunAtLoad")?.[0]).toBe("true");
    expect(value("KeepAlive")?.[0]).toBe("true");
    expect(value("ThrottleInterval")).toEqual(["integer", "10"]);
  });

  test("O4 leaves the time to drain; files and cores are nobody else's", () => {
    expect(value("ExitTimeOut")).toEqual(["integer", "45"]);
    expect(value("Umask")).toEqual(["integer", String(0o077)]);
    expect(value("Core")).toEqual(["integer", "0"]);
  });

  test("B4 arguments and variables can't break out of the XML", () => {
    expect(text).toContain("<string>--limit=a&lt;b&gt;&amp;&quot;c&apos;</string>");
    expect(text).toContain("<string>a&amp;b</string>");
    expect(text.match(/<string>/g)?.length).toBe(text.match(/<\/string>/g)?.length);
  });
});
