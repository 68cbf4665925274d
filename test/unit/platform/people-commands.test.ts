import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { z } from "zod";
import { runProduct, startProduct } from "../../support/processes.ts";
import { Workspace } from "../../support/workspace.ts";

const printed = z.object({ token: z.string(), password: z.string() });

let workspace: Workspace;
let url = "";
let root: z.infer<typeof printed>;
beforeEach(async () => {
  workspace = await Workspace.open("people-commands");
});
afterEach(() => workspace.close());

async function startPlatform() {
  const data = ["--data-dir", workspace.join("data")];
  const own = { home: await workspace.directory("platform") };
  const flags = ["--email", "root@example.com", "--org", "Acme", "--json"];
  const { stdout } = await runProduct(["platform", "bootstrap", ...data, ...flags], own);
  root = printed.parse(JSON.parse(stdout));
  const platform = workspace.own(
    startProduct(["platform", "start", "--listen", "127.0.0.1:0", ...data], own),
  );
  url = /url=(\S+)/.exec(await platform.waitForLog("Platform started"))?.[1] ?? "";
}

/** A person on a machine of their own. */
async function machine(name: string) {
  const home = await workspace.directory(name);
  const run = (words: string, input?: string) =>
    runProduct(words.split(" "), { home, ...(input !== undefined && { input }) });
  return {
    run,
    ok: async (words: string, input?: string) => {
      const { exitCode, stdout, stderr } = await run(words, input);
      expect([words, exitCode, stderr]).toEqual([words, 0, expect.any(String)]);
      return { stdout, stderr };
    },
    refused: async (words: string, input?: string) => {
      const { exitCode, stderr, stdout } = await run(words, input);
      expect([words, stdout]).toEqual([words, ""]);
      return `${exitCode} ${stderr}`;
    },
  };
}

describe("people's commands", () => {
  beforeEach(startPlatform);

  test("invite, join by the link, give a role, switch organisation, remove", async () => {
    const admin = await machine("admin");
    await admin.ok(`login --domain ${url} --email root@example.com --password-file -`, root.password);
    await admin.ok("role create viewer --right list-gateways --right list-relays");
    const link = (await admin.ok("user invite mia@example.com --role viewer --valid-for 1h")).stdout.trim();
    expect(link).toStartWith(`${url}/invitation#spv_`);
    expect((await admin.ok("user invitations")).stdout).toContain("mia@example.com  viewer");

    const mia = await machine("mia");
    expect(await mia.refused(`login --invitation ${link} --password-file -`, "short")).toContain(
      "at least 12",
    );
    const joined = await mia.ok(
      `login --invitation ${link} --name Mia --password-file -`,
      "a password of mine",
    );
    expect(joined.stderr).toContain("as mia@example.com, organisation Acme");
    expect(await mia.refused(`login --invitation ${link} --password-file -`, "a password of mine")).toContain(
      "[NOT_FOUND]",
    );
    expect((await mia.ok("gateway list")).stdout).toContain("NAME");
    expect(await mia.refused("gateway create office")).toContain("the right create-gateways");

    await admin.ok("user role mia@example.com member");
    await admin.ok("role delete viewer");
    const members = JSON.parse((await admin.ok("user list --json")).stdout);
    expect(members.map((one: { name: string; role: { name: string } }) => [one.name, one.role.name])).toEqual(
      [
        ["Mia", "member"],
        [null, "admin"],
      ],
    );

    expect(await mia.refused("org create Bravo")).toContain("[FORBIDDEN]");
    await admin.ok("org create Bravo");
    await admin.ok("org switch Bravo");
    await admin.ok("org rename Charlie");
    expect((await admin.ok("org list")).stdout).toMatch(/Acme +admin +\S{36}\nCharlie +admin +yes/);
    expect((await admin.ok("user list")).stdout).not.toContain("mia@example.com");
    await admin.ok("org switch Acme");

    await admin.ok("user remove mia@example.com");
    expect(await mia.refused("gateway list")).toContain("3 ");
    expect(
      await mia.refused(
        `login --email mia@example.com --password-file - --domain ${url}`,
        "a password of mine",
      ),
    ).toContain("[UNAUTHENTICATED]");
    const second = (await admin.ok("user invite mia@example.com")).stdout.trim();
    await admin.ok("user withdraw mia@example.com");
    expect(await mia.refused(`login --invitation ${second} --password-file -`, "x")).toContain("[NOT_FOUND]");
  });

  test("who forgot their password gets a link, and others' tokens are seen and revoked", async () => {
    const admin = await machine("admin");
    await admin.ok(`login --domain ${url} --token-file -`, root.token);
    const invitation = (await admin.ok("user invite mia@example.com")).stdout.trim();
    const mia = await machine("mia");
    await mia.ok(`login --invitation ${invitation} --password-file -`, "a password of mine");
    const link = (await admin.ok("user reset-password mia@example.com --valid-for 1h")).stdout.trim();
    expect(link).toStartWith(`${url}/password-reset#spr_`);
    const again = await mia.ok(`login --password-reset ${link} --password-file -`, "another one of mine");
    expect(again.stderr).toContain("as mia@example.com, organisation Acme");
    expect(
      await mia.refused(`login --password-reset ${link} --password-file -`, "a third one of mine"),
    ).toContain("[NOT_FOUND]");
    await mia.ok("token create script");
    expect((await admin.ok("token list --of mia@example.com")).stdout).toMatch(
      /NAME.*LAST USED.*script +token/s,
    );
    await admin.ok("token revoke script --of mia@example.com");
    expect((await mia.ok("token list")).stdout).not.toContain("script");
  });

  test("roles are listed, shown and changed by right", async () => {
    const admin = await machine("admin");
    await admin.ok(`login --domain ${url} --token-file -`, root.token);
    expect((await admin.ok("role list")).stdout).toMatch(/no-access +0 +yes/);
    expect((await admin.ok("role rights")).stdout).toMatch(/revoke-gateway-access +\S/);
    await admin.ok("role create viewer --right list-gateways");
    await admin.ok("role update viewer --add list-relays --remove list-gateways");
    expect((await admin.ok("role show viewer")).stdout).toBe("list-relays\n");
    await admin.ok("role update viewer --name reader --right list-resources --right list-relays");
    expect(JSON.parse((await admin.ok("role show reader --json")).stdout).rights).toEqual([
      "list-resources",
      "list-relays",
    ]);
    expect(await admin.refused("role update reader")).toStartWith("2 ");
    expect(await admin.refused("role update reader --right list-relays --add list-gateways")).toStartWith(
      "2 ",
    );
    expect(await admin.refused("role create flyer --right fly")).toContain("there is no such right");
    expect(await admin.refused("role delete admin")).toContain("built in");
    expect(await admin.refused("audit list --event NONSENSE")).toStartWith("2 ");
    expect(await admin.refused("org switch Acme")).toContain("An API token belongs to one organisation");
  });

  test("the last administrator, who can't log in, gets a link on the platform's machine", async () => {
    const place = ["--data-dir", workspace.join("data"), "--public-url", url];
    const own = { home: await workspace.directory("operator") };
    const reset = (...flags: string[]) => runProduct(["platform", "reset-password", ...flags], own);
    const { stdout } = await reset("--email", "root@example.com", ...place);
    expect(stdout).toStartWith(`${url}/password-reset#spr_`);
    const admin = await machine("admin");
    const login = await admin.ok(
      `login --password-reset ${stdout.trim()} --password-file -`,
      "a new password",
    );
    expect(login.stderr).toContain("as root@example.com, organisation Acme");
    expect((await admin.ok("audit list")).stdout).toContain("USER_PASSWORD_RESET_LINK");
    const nobody = await reset("--email", "nobody@example.com", ...place);
    expect([nobody.exitCode, nobody.stdout]).toEqual([1, ""]);
    const elsewhere = await reset("--email", "root@example.com", "--data-dir", workspace.join("none"));
    expect(elsewhere.stderr).toContain("There is no platform in");
  });

  test("what is no name of anything is answered with where the names are", async () => {
    const admin = await machine("admin");
    await admin.ok(`login --domain ${url} --token-file -`, root.token);
    await admin.ok("identity create ci --role member");
    for (const [words, answer] of [
      ["user remove mia", "give an e-mail address, or a user id"],
      ["token list --of mia", "give an e-mail address, or a user id"],
      ["resource grant db mia", '"mia" is no e-mail address and no user id: see "sallyport user list"'],
      ["identity secret revoke ci nonsense", 'see "sallyport identity secret list ci"'],
      ["pool create Nonsense", "is no pool name"],
      ["audit list --export /proc/none/audit.jsonl", "Cannot write /proc/none/audit.jsonl"],
      ["audit list --event NONSENSE", "there are INSTANCE_BOOTSTRAP, AUTHORITIES_ROTATION_START, "],
      ["audit list --event gateway_creat", "did you mean GATEWAY_CREATE"],
    ] as const) {
      const said = await admin.refused(words);
      expect(said).toContain(answer);
      expect(said.trim().split("\n")).toHaveLength(1);
    }
  });

  test("an export overwrites nothing unless it is told to", async () => {
    const admin = await machine("admin");
    await admin.ok(`login --domain ${url} --token-file -`, root.token);
    const file = await workspace.file("changes.jsonl", "of last week");
    for (const list of ["list", "connections"]) {
      const said = await admin.refused(`audit ${list} --export ${file}`);
      expect(said).toContain(`${file} is there already: name a new file, or overwrite it with --force.`);
      expect(await Bun.file(file).text()).toBe("of last week");
    }
    await admin.ok(`audit list --export ${file} --force`);
    expect(await Bun.file(file).text()).toStartWith("{");
    await admin.ok(`audit connections --export ${workspace.join("new.jsonl")}`);
    expect(await Bun.file(workspace.join("new.jsonl")).exists()).toBe(true);
  });

  test("a token is made for a script, shown once, and revoked by name", async () => {
    const admin = await machine("admin");
    await admin.ok(`login --domain ${url} --token-file -`, root.token);
    const token = (await admin.ok("token create ci --for 1h")).stdout.trim();
    expect(token).toStartWith("spt_");
    const script = await machine("script");
    await script.ok(`login --domain ${url} --token-file -`, token);
    expect((await script.ok("token list")).stdout).toMatch(/ci \(this one\) +token/);
    expect((await admin.ok("token list")).stdout).not.toContain(token);
    expect(await script.refused("token create for-ever")).toContain("can't last longer");
    await admin.ok("token revoke ci");
    expect(await script.refused("token list")).toStartWith("3 ");
    expect(await admin.refused("token revoke ci")).toContain("[NOT_FOUND]");
  });
});

describe("flags that make no sense", () => {
  test.each([
    ["login --invitation nonsense", "the whole link"],
    ["login --password-reset https://x.example/invitation#spr_x", "the whole link"],
    ["login --password-reset spr_x --email me@example.com", "Give one of"],
    ["user reset-password mia@example.com --valid-for 4d", "1h to 3d"],
    ["login --invitation https://x.example/invitation#spt_x", "the whole link"],
    ["login --name Mia --domain https://x.example", "--invitation"],
    ["login --email a@example.com --token-file x --domain https://x.example", "one of"],
    ["user invite a@example.com --valid-for 90s", "--valid-for"],
    ["token create x --for 1h --until 2030-01-01T00:00:00Z", "not both"],
    ["user password --domain https://x.example --json", "--json"],
  ])("%s ends with exit code 2 and says what to do", async (words, hint) => {
    const somebody = await machine("somebody");
    const refused = await somebody.refused(words);
    expect(refused).toStartWith("2 ");
    expect(refused).toContain(hint);
  });
});
