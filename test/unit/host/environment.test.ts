import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chooseDomain, normaliseDomain } from "../../../src/host/domain.ts";
import { readSecretFile, secret, setting } from "../../../src/host/environment.ts";

describe("environment", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "env-"));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test("SALLYPORT_X is read before INFISICAL_X, and empty is not set", () => {
    expect(setting({ SALLYPORT_X: "s", INFISICAL_X: "i" }, "X")).toBe("s");
    expect(setting({ SALLYPORT_X: "", INFISICAL_X: "i" }, "X")).toBe("i");
    expect(setting({}, "X")).toBeUndefined();
  });

  test("a secret comes from the variable, or from the file that its _FILE twin names", async () => {
    const path = join(directory, "token");
    await writeFile(path, "  from-file\n");
    expect(await secret({ INFISICAL_TOKEN_FILE: path }, "TOKEN")).toBe("from-file");
    expect(await secret({ INFISICAL_TOKEN: "direct", SALLYPORT_TOKEN_FILE: path }, "TOKEN")).toBe("direct");
    expect(await secret({}, "TOKEN")).toBeUndefined();
  });

  test("systemd's credentials directory wins", async () => {
    await writeFile(join(directory, "INFISICAL_TOKEN"), "credential\n");
    const env = { CREDENTIALS_DIRECTORY: directory, SALLYPORT_TOKEN: "direct" };
    expect(await secret(env, "TOKEN")).toBe("credential");
  });

  test("a secret file that is missing, empty or large is refused without showing it", async () => {
    const path = join(directory, "bad");
    await expect(readSecretFile(join(directory, "none"))).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    await writeFile(path, " \n");
    await expect(readSecretFile(path)).rejects.toThrow(/There is nothing in/);
    await writeFile(path, "s".repeat(20_000));
    await expect(readSecretFile(path)).rejects.toThrow(/is larger than/);
    await expect(readSecretFile("/dev/zero")).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    await expect(readSecretFile(directory)).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
  });
});

describe("domain", () => {
  test("comes from the flag, the conf, the profile, DOMAIN, API_URL, in this order", () => {
    const env = { INFISICAL_DOMAIN: "env", INFISICAL_API_URL: "api" };
    expect(chooseDomain({ flag: "flag", conf: "conf", profile: "profile", env })).toBe("flag");
    expect(chooseDomain({ conf: "conf", profile: "profile", env })).toBe("conf");
    expect(chooseDomain({ profile: "profile", env })).toBe("profile");
    expect(chooseDomain({ env })).toBe("env");
    expect(chooseDomain({ env: { INFISICAL_API_URL: "api" } })).toBe("api");
    expect(chooseDomain({ env: {} })).toBeUndefined();
  });

  test.each([
    ["https://example.com", "https://example.com"],
    ["https://example.com/", "https://example.com"],
    ["https://example.com/api", "https://example.com"],
    ["https://example.com/api/", "https://example.com"],
    [" https://Example.com:8443/api\n", "https://example.com:8443"],
    ["https://example.com/infisical/api", "https://example.com/infisical"],
    ["http://127.0.0.1:8080/", "http://127.0.0.1:8080"],
    ["http://[::1]:8080", "http://[::1]:8080"],
    ["http://localhost", "http://localhost"],
  ])("%j becomes %j", (given, expected) => {
    expect(normaliseDomain(given)).toBe(expected);
  });

  test.each([
    "",
    "example.com",
    "ftp://example.com",
    "https://",
    "https://u:p@example.com",
    "https://example.com/?x",
    "https://example.com/#x",
    "http://example.com",
    "http://10.0.0.1",
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
  ])("%j is refused", (given) => {
    expect(() => normaliseDomain(given)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  test("plain http elsewhere needs --insecure-http", () => {
    expect(normaliseDomain("http://10.0.0.1/api", { insecureHttp: true })).toBe("http://10.0.0.1");
  });

  test("a password in the domain is not repeated", () => {
    expect(() => normaliseDomain("https://u:hunter2@example.com")).not.toThrow(/hunter2/);
  });
});
