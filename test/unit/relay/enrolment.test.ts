import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { stat } from "node:fs/promises";
import { type IdentityFlags, identityFlags } from "../../../src/commands/relay/flags.ts";
import { relayRequest } from "../../../src/commands/relay/request.ts";
import { readConf } from "../../../src/host/conf-file.ts";
import { thisMachine } from "../../../src/host/paths.ts";
import { requireEnrolled } from "../../../src/relay/enrolled.ts";
import { knownRelay } from "../../../src/relay/known-relay.ts";
import { relayMachineLogin } from "../../../src/relay/machine-login.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
let env: Record<string, string>;
let domain: string;
/** Tokens that the stand-in platform still accepts. */
let tokens: Set<string>;
let logins: number;

beforeEach(async () => {
  workspace = await Workspace.open("relay-enrolment");
  env = { HOME: workspace.path, SALLYPORT_CONF_DIR: workspace.join("conf") };
  tokens = new Set(["gwe_first", "gwe_second"]);
  logins = 0;
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: login });
  workspace.defer(() => server.stop(true));
  domain = `http://127.0.0.1:${server.port}`;
});
afterEach(() => workspace.close());

async function login(request: Request): Promise<Response> {
  logins++;
  expect(new URL(request.url).pathname).toBe("/api/v2/relays/login");
  const { token } = (await request.json()) as { token: string };
  if (!tokens.delete(token)) return Response.json({ message: "Invalid enrollment token" }, { status: 400 });
  return Response.json({ accessToken: `access-for-${token}`, relayId: "relay-id", tokenType: "Bearer" });
}

async function known(args: IdentityFlags) {
  return knownRelay(await relayRequest("enroll", args, identityFlags(args), thisMachine(env)));
}

/** What `enroll` and `start` do before a relay runs. */
async function enrol(flags: { token?: string; domain?: string; "token-file"?: string } = {}) {
  const args = { relay: "relay-1", ...flags };
  return requireEnrolled(await known(args));
}

const confFile = () => workspace.join("conf/relays/relay-1.conf");

describe("enrolling a relay", () => {
  test("keeps the access token in a conf that Infisical's CLI can read, for the owner only", async () => {
    expect(await enrol({ token: "gwe_first", domain })).toMatchObject({
      accessToken: "access-for-gwe_first",
      enrolledNow: true,
    });
    expect((await stat(confFile())).mode & 0o777).toBe(0o600);
    expect(Object.fromEntries((await readConf(confFile())) ?? [])).toMatchObject({
      INFISICAL_RELAY_NAME: "relay-1",
      INFISICAL_RELAY_DOMAIN: domain,
      INFISICAL_RELAY_ENROLL_METHOD: "token",
      INFISICAL_RELAY_ENROLLMENT_TOKEN: "gwe_first",
      INFISICAL_RELAY_ACCESS_TOKEN: "access-for-gwe_first",
      INFISICAL_RELAY_ID: "relay-id",
    });
  });

  test("starting again needs nothing more, and the same token again is no second login", async () => {
    await enrol({ token: "gwe_first", domain });
    expect(await enrol()).toMatchObject({ accessToken: "access-for-gwe_first", enrolledNow: false });
    expect(await enrol({ token: "gwe_first" })).toMatchObject({ enrolledNow: false });
    expect(logins).toBe(1);
  });

  test("another token replaces the credentials", async () => {
    await enrol({ token: "gwe_first", domain });
    expect(await enrol({ token: "gwe_second" })).toMatchObject({ accessToken: "access-for-gwe_second" });
    expect(await enrol()).toMatchObject({ accessToken: "access-for-gwe_second" });
  });

  test("a token may come from a file or from the environment", async () => {
    const file = await workspace.file("token", "gwe_first\n");
    expect(await enrol({ "token-file": file, domain })).toMatchObject({
      accessToken: "access-for-gwe_first",
    });
    env.SALLYPORT_RELAY_ENROLLMENT_TOKEN = "gwe_second";
    expect(await enrol()).toMatchObject({ accessToken: "access-for-gwe_second" });
  });

  test("a conf with a token that was not exchanged yet is enrolled at start", async () => {
    await workspace.file(
      "conf/relays/relay-1.conf",
      `INFISICAL_RELAY_ENROLLMENT_TOKEN=gwe_first\nINFISICAL_RELAY_DOMAIN=${domain}\n`,
    );
    expect(await enrol()).toMatchObject({ accessToken: "access-for-gwe_first", enrolledNow: true });
  });

  test("with neither conf nor token the command to run is named, with exit code 2", async () => {
    await expect(enrol()).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining("sallyport relay enroll relay-1"),
    });
  });

  test("B6 a token used before says what to do, and changes nothing", async () => {
    await enrol({ token: "gwe_first", domain });
    await expect(enrol({ token: "gwe_used" })).rejects.toMatchObject({
      code: "ENROLLMENT_TOKEN_INVALID",
      message: expect.stringContaining("sallyport relay deploy-command relay-1"),
    });
    expect(await enrol()).toMatchObject({ accessToken: "access-for-gwe_first" });
  });

  test("F16 a conf that can't be written is found out before the token is spent", async () => {
    await workspace.file("conf", "a file in the way");
    await expect(enrol({ token: "gwe_first", domain })).rejects.toMatchObject({ code: "FILE_UNWRITABLE" });
    expect(logins).toBe(0);
  });

  test("two names, a bad name and two tokens are refused", async () => {
    await expect(known({ relay: "a", name: "b" })).rejects.toMatchObject({ code: "USAGE" });
    await expect(known({ relay: "../a" })).rejects.toMatchObject({ code: "NAME_INVALID" });
    await expect(known({})).rejects.toMatchObject({ code: "USAGE" });
    await expect(known({ relay: "a", token: "gwe_a", "token-file": "b" })).rejects.toMatchObject({
      code: "USAGE",
    });
    const by = async (method: string) =>
      relayMachineLogin(await known({ relay: "a", "enroll-method": method }));
    await expect(by("aws")).rejects.toThrow("--relay-id");
    await expect(by("magic")).rejects.toThrow('"magic"');
  });
});
