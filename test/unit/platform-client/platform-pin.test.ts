import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { rm, stat } from "node:fs/promises";
import { selfName } from "../../../src/host/self.ts";
import { PlatformPin } from "../../../src/platform-client/login/platform-pin.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { runProduct } from "../../support/processes.ts";
import { Workspace } from "../../support/workspace.ts";

const ID = "11111111-1111-4111-8111-111111111111";
const NAMES = { gateway: "office", relay: "edge" } as const;

let space: Workspace;
/** What the stand-in platform says it is. */
let platformId: string | undefined;
/** The platforms that signatures were made for. */
let signedFor: string[];
let domain: string;

beforeEach(async () => {
  space = await Workspace.open("platform-pin");
  platformId = "the-first";
  signedFor = [];
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  space.defer(() => server.stop(true));
  domain = `http://127.0.0.1:${server.port}`;
});
afterEach(() => space.close());

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname.endsWith("/status")) return Response.json({ ...(platformId && { platformId }) });
  const { iamRequestHeaders } = (await request.json()) as { iamRequestHeaders: string };
  const headers: Record<string, string> = JSON.parse(Buffer.from(iamRequestHeaders, "base64").toString());
  signedFor.push(headers["X-Sallyport-Server-Id"]?.split("/")[0] ?? "none");
  return Response.json({ accessToken: "t", tokenType: "Bearer", gatewayId: ID, relayId: ID });
}

describe.each(["gateway", "relay"] as const)("a %s that logs in by AWS", (role) => {
  const name = NAMES[role];
  const run = (verb: string, ...more: string[]) =>
    runProduct([role, verb, name, ...more], {
      home: space.path,
      env: {
        SALLYPORT_STATE_DIR: space.join("state"),
        AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
        AWS_SECRET_ACCESS_KEY: "secret",
      },
    });
  const enroll = () => run("enroll", "--enroll-method=aws", `--${role}-id=${ID}`, `--domain=${domain}`);

  test("B8 signs for the platform that it signed for first, and for no other", async () => {
    expect((await enroll()).exitCode).toBe(0);
    await rm(space.join(`state/${role}/${name}/access-token.json`));
    platformId = "another";
    const refused = await run("start");
    expect(refused.exitCode).toBe(3);
    expect(refused.stderr).toContain("is another platform than the one");
    expect(refused.stderr).toContain(`"sallyport ${role} enroll ${name}"`);
    expect(signedFor).toEqual(["the-first"]);
    const again = await run("enroll");
    expect([again.exitCode, again.stdout]).toEqual([0, `${selfName()} ${role} start ${name}\n`]);
    expect(signedFor).toEqual(["the-first", "another"]);
  });
});

describe("what is kept of a platform", () => {
  const pin = (at = domain) =>
    new PlatformPin(
      { role: "gateway", name: "office", directory: space.join("kept"), domain: at },
      silentLogger,
    );

  test("is its id, or that it says none, for its domain, and for the owner only", async () => {
    await pin().require("a");
    await pin().require("a");
    await expect(pin().require("b")).rejects.toMatchObject({ code: "PLATFORM_CHANGED", exitCode: 3 });
    await expect(pin().require(undefined)).rejects.toMatchObject({ code: "PLATFORM_CHANGED" });
    expect((await stat(space.join("kept/platform-id.json"))).mode & 0o777).toBe(0o600);
    await pin("https://other.example").require("b");
    await pin().forget();
    await pin().require(undefined);
    await expect(pin().require("a")).rejects.toMatchObject({ code: "PLATFORM_CHANGED" });
  });

  test("is nothing where nothing can be written: the login goes on", async () => {
    await space.file("kept", "a file in the way");
    await pin().require("a");
    await pin().require("b");
  });
});
