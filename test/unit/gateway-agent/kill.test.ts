import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readConf } from "../../../src/host/conf-file.ts";
import { REPOSITORY, runProduct, startProcess, startProduct } from "../../support/processes.ts";
import { StubPlatform } from "../../support/stub-platform.ts";
import { testPki } from "../../support/test-pki.ts";
import { Workspace } from "../../support/workspace.ts";

let space: Workspace;
beforeEach(async () => {
  space = await Workspace.open("kill");
});
afterEach(() => space.close());

describe("kill -9", () => {
  test("F16 between redeeming a token and storing it: no conf, and the next message says what to do", async () => {
    const platform = space.own(new StubPlatform(await testPki()));
    const token = platform.mint();
    const args = ["gateway", "enroll", "edge", `--domain=${platform.url}`, "--token-file=-"];
    const home = space.path;
    const first = space.own(startProduct(args, { home, input: token }));
    platform.onLogin = () => {
      first.kill();
    };
    await first.exited;
    expect(platform.accessToken).toBeDefined();
    expect(existsSync(space.join("conf/gateways/edge.conf"))).toBe(false);

    const again = await runProduct(args, { home, input: token });
    expect(again.exitCode).toBe(3);
    expect(again.stderr).toContain("sallyport gateway deploy-command edge");
    const start = await runProduct(["gateway", "start", "edge"], { home });
    expect(start.exitCode).toBe(2);
    expect(start.stderr).toContain("sallyport gateway deploy-command edge");

    platform.onLogin = () => undefined;
    const fresh = await runProduct(args, { home, input: platform.mint() });
    expect(fresh.exitCode).toBe(0);
  });

  test("F16 at any moment of writing a conf: the file is the old one or the new one, whole", async () => {
    const path = space.join("gateways/edge.conf");
    const writer = join(REPOSITORY, "test/support/conf-writer.ts");
    for (let round = 0; round < 8; round++) {
      const child = space.own(startProcess([process.execPath, writer, path]));
      await child.waitForOutput("writing");
      await Bun.sleep(Math.random() * 20);
      child.kill();
      await child.exited;
      const conf = await readConf(path);
      const generation = conf?.get("INFISICAL_GATEWAY_ID") ?? "";
      expect(conf?.get("INFISICAL_GATEWAY_ACCESS_TOKEN")).toBe(generation.padStart(8, "0").repeat(500));
      expect(conf?.size).toBe(3);
    }
  });
});
